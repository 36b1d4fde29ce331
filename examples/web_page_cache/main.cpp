// A cache before a slow function: a page is rendered once, however many ask for it, and again when
// its time is over.
#include <tarmac/tarmac.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::atomic<int> renderings{0};

/// Takes its time, and says how long the page is good for.
tarmac::Loaded<std::string> render(const std::string& path) {
  ++renderings;
  std::uint64_t work = 1;
  for (int i = 0; i < 20'000'000; ++i) work = work * 6'364'136'223'846'793'005U + 1;
  return {"<h1>" + path + "</h1><!-- " + std::to_string(work) + " -->",
          {.ttl = path == "/news" ? 30s : 10min}};
}

}  // namespace

int main() {
  tarmac::CacheOptions options;
  options.name = "pages";
  options.max_entries = 10'000;
  tarmac::CacheManager<std::string, std::string> pages(options);
  const auto page = tarmac::memoize(pages, "render", render);  // Called like render.

  std::vector<std::thread> visitors;
  for (int i = 0; i < 8; ++i) visitors.emplace_back([&page] { page("/news"); });
  for (auto& visitor : visitors) visitor.join();
  std::printf("8 visitors at once: rendered %d time(s)\n", renderings.load());

  page("/about");
  page("/news");
  std::printf("two more visitors, one for another page: rendered %d time(s)\n", renderings.load());

  pages.erase(page.key("/news"));  // An editor has changed it.
  page("/news");
  std::printf("after a change of the news: rendered %d time(s)\n", renderings.load());

  const auto news = pages.inspect(page.key("/news"));
  const bool lasts_30_seconds = news && news->remaining_ttl && *news->remaining_ttl <= 30s;
  std::printf("the news are kept for %s\n", lasts_30_seconds ? "30 s" : "too long");
}
