#include <tarmac/core/clock.h>
#include <tarmac/demo/layout.h>
#include <tarmac/demo/text_view.h>
#include <tarmac/demo/words.h>

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <vector>

namespace tarmac::demo {
namespace {

constexpr std::size_t kKindWidth = 18;
constexpr std::size_t kSubjectWidth = 32;
constexpr std::size_t kLineWidth = 96;
constexpr std::int64_t kPictureEvery = 50'000'000;  // Nanoseconds: 20 pictures a second.

std::string expectations_of(const StepResult& step) {
  std::string text;
  for (const auto& check : step.checks) {
    if (!text.empty()) text += ", ";
    text += check.subject + (check.skipped ? " (left out)" : ": " + check.expected);
  }
  return text;
}

}  // namespace

TextView::TextView(std::ostream& out, TextViewOptions options) : out_(out), options_(options) {}

std::string TextView::inked(Ink ink, std::string_view text) const {
  return demo::inked(options_.colour, ink, text);
}

void TextView::on_scenario(const Scenario& scenario) {
  file_ = harmless(scenario.file.filename().string());
  const auto title = harmless(scenario.title);
  const auto used = columns(title) + columns(file_) + 2;
  const auto rule = repeated("─", used < kLineWidth ? kLineWidth - used : 1);
  blank_line();
  after_blank_ = false;
  out_ << inked(Ink::bold, title) << " " << inked(Ink::faint, rule + " " + file_) << "\n";
  for (const auto& line : wrapped(scenario.description, kLineWidth - 6)) {
    out_ << "   " << inked(Ink::faint, line) << "\n";
  }
  blank_line();
  out_ << std::flush;
}

void TextView::blank_line() {
  if (!after_blank_) out_ << "\n";
  after_blank_ = true;
}

void TextView::on_progress(std::string_view what, double fraction) {
  if (!options_.progress) return;
  const auto now = system_clock()->steady_now();
  if (progress_shown_ && now - progress_at_ < kPictureEvery) return;
  progress_at_ = now;
  progress_shown_ = true;
  out_ << "\r\x1b[K     " << padded(std::string(what), 24) << " "
       << inked(Ink::accent, bar(fraction, 40)) << " "
       << fmt::format("{:3.0f} %", 100 * std::clamp(fraction, 0.0, 1.0)) << std::flush;
}

void TextView::clear_progress() {
  if (progress_shown_) out_ << "\r\x1b[K";
  progress_shown_ = false;
}

void TextView::on_step(const StepResult& step) {
  clear_progress();
  if (step.kind == "note") {
    blank_line();
    after_blank_ = false;
    for (const auto& line : wrapped(step.subject, kLineWidth - 6)) {
      out_ << "   " << inked(Ink::accent, line) << "\n";
    }
    write_checks(step);
    return;
  }
  after_blank_ = false;
  const auto tick = step.passed() ? inked(Ink::good, "✓") : inked(Ink::bad, "✗");
  out_ << "   " << tick << " " << inked(Ink::bold, padded(step.kind, kKindWidth));
  if (step.kind == "expect") {
    const auto lines = wrapped(expectations_of(step), kLineWidth - kKindWidth - 6);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out_ << (i == 0 ? "" : std::string(kKindWidth + 5, ' ')) << lines[i] << "\n";
    }
  } else {
    if (step.outcome.empty()) {
      out_ << harmless(step.subject);
    } else {
      out_ << padded(harmless(step.subject), kSubjectWidth) << " " << harmless(step.outcome);
    }
    if (!step.checks.empty() && step.passed()) {
      out_ << inked(Ink::faint, "  · " + counted(step.checks.size(), "check", "checks"));
    }
    out_ << "\n";
  }
  write_checks(step);
  for (const auto& table : step.tables) write_table(table);
  out_ << std::flush;
}

void TextView::write_checks(const StepResult& step) {
  for (const auto& check : step.checks) {
    if (check.passed) continue;
    out_ << "     " << inked(Ink::bad, fmt::format("{}:{}: ", file_, check.line))
         << harmless(fmt::format("{}: expected {}, found {}", check.subject, check.expected,
                                 check.found))
         << "\n";
  }
  if (!step.error.empty()) {
    out_ << "     " << inked(Ink::bad, fmt::format("{}:{}: ", file_, step.line))
         << harmless(step.error) << "\n     the rest of this scenario is left out\n";
  }
}

void TextView::write_table(const Table& table) {
  blank_line();
  for (const auto& line : table_lines(table, options_.colour)) out_ << "     " << line << "\n";
  after_blank_ = false;
  blank_line();
}

void TextView::on_scenario_done(const ScenarioResult& result) {
  clear_progress();
  if (result.passed()) return;
  after_blank_ = false;
  out_ << "   " << inked(Ink::bad, fmt::format("{} failed", result.failures())) << "\n";
}

Table table_of(std::span<const CacheFigures> caches) {
  Table table{
      {"cache", "parts", "hit ratio", "gets", "sets", "evicted", "expired", "flushed", "full"}, {}};
  for (const auto& [parts, stats] : caches) {
    const auto number = [](std::uint64_t value) {
      return Cell{grouped(value), std::nullopt, true};
    };
    const auto items = static_cast<double>(stats.current_items);
    const auto bytes = static_cast<double>(stats.total_bytes);
    double full = 0;
    if (const auto max = parts.capacity.max_entries) full = items / static_cast<double>(*max);
    if (const auto max = parts.capacity.max_bytes) {
      full = std::max(full, bytes / static_cast<double>(*max));
    }
    const auto names = parts.strategy + (parts.store.empty() ? "" : ", " + parts.write_policy);
    table.rows.push_back({{parts.name},
                          {names},
                          {percent(stats.hit_ratio()), stats.hit_ratio()},
                          number(stats.hits + stats.misses),
                          number(stats.sets),
                          number(stats.evictions),
                          number(stats.expirations),
                          number(stats.flushed_writes),
                          {percent(full), std::nullopt, true}});
  }
  return table;
}

void TextView::show_caches(std::span<const CacheFigures> caches) { write_table(table_of(caches)); }

void TextView::show_summary(const DemoResult& result) {
  std::vector<CacheFigures> caches;
  for (const auto& scenario : result.scenarios) {
    caches.insert(caches.end(), scenario.caches.begin(), scenario.caches.end());
  }
  blank_line();
  out_ << inked(Ink::bold, "Final metrics") << "\n";
  after_blank_ = false;
  show_caches(caches);
  const auto left_out = result.skipped();
  const auto line = fmt::format("{}, {}, {}, {} failed, {:.2f} s",
                                counted(result.scenarios.size(), "scenario", "scenarios"),
                                counted(result.steps(), "step", "steps"),
                                counted(result.checks(), "expectation", "expectations") +
                                    (left_out == 0 ? "" : " (" + grouped(left_out) + " left out)"),
                                result.failures(), result.seconds);
  out_ << inked(result.failures() == 0 ? Ink::good : Ink::bad, line) << "\n" << std::flush;
}

}  // namespace tarmac::demo
