// Holds the tables of docs/metrics.md to what the exporter shows.
#include "metrics_page.h"

#include <gtest/gtest.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <tarmac/observers/prometheus_exporter.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "scripted_cache.h"

namespace tarmac {
namespace {

const std::string kPage = TARMAC_SOURCE_DIR "/docs/metrics.md";

std::string type_of(const prometheus::MetricFamily& family) {
  switch (family.type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Histogram:
      return "histogram";
    default:
      return "?";
  }
}

/// The labels beside `cache`; of those with a fixed set of values, the values as well.
std::string labels_of(const prometheus::MetricFamily& family) {
  std::map<std::string, std::vector<std::string>> labels;
  for (const auto& metric : family.metric) {
    for (const auto& label : metric.label) labels[label.name].push_back(label.value);
  }
  if (family.type == prometheus::MetricType::Histogram) labels["le"];
  std::string text = labels.contains("cache") ? "" : "(no `cache`)";
  const std::set<std::string> listed{"cause", "result", "type"};
  for (const auto& [name, values] : labels) {
    if (name == "cache") continue;
    text += (text.empty() ? "`" : ", `") + name + "`";
    if (!listed.contains(name)) continue;
    const char* between = ": ";
    for (const auto& value : values) {
      text += between + ("`" + value + "`");
      between = ", ";
    }
  }
  return text;
}

/// A table of the families that `cache` shows and `known` has not; adds them to `known`.
std::string table_of(CacheBase& cache, std::set<std::string>& known) {
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  std::string table = "| family | type | further labels | meaning |\n|---|---|---|---|\n";
  for (const auto& family : exporter.collectable()->Collect()) {
    if (!known.insert(family.name).second) continue;
    table += "| `" + family.name + "` | " + type_of(family) + " | " + labels_of(family) + " | " +
             family.help.substr(0, family.help.size() - 1) + " |\n";
  }
  return table;
}

/// The tables, by the name that the page has for them.
std::map<std::string, std::string> tables() {
  std::map<std::string, std::string> result;
  std::set<std::string> known;
  ScriptedCache cache("sample");
  cache.describe_as({"sample", "lru", "none", "", {1, 1}, 1});
  static_cast<void>(cache.functions().figures_of("f"));
  result["every cache"] = table_of(cache, known);
  Stats stats;
  stats.durable = true;
  cache.set_stats(stats);
  result["durable caches"] = table_of(cache, known);
  cache.extra_figures().set(tiers_page::figures_of_two_tiers);
  result["two tiers"] = table_of(cache, known);
  return result;
}

std::string text_of_page() {
  std::ifstream file(kPage);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Goal: the page lists every family with its type, labels and meaning, and nothing else. Method:
// its tables are made anew. TARMAC_WRITE_DOCS=1 writes them into the page.
TEST(MetricsPage, ListsWhatTheExporterShows) {
  const std::string before = text_of_page();
  std::string page = before;
  for (const auto& [name, table] : tables()) {
    const std::string begin = "<!-- from the exporter: " + name + " -->\n";
    const auto from = page.find(begin);
    const auto to = page.find("<!-- /from the exporter -->", from);
    ASSERT_NE(from, std::string::npos) << name;
    ASSERT_NE(to, std::string::npos) << name;
    page.replace(from + begin.size(), to - from - begin.size(), table);
  }
  if (std::getenv("TARMAC_WRITE_DOCS") != nullptr) std::ofstream(kPage) << page;
  EXPECT_EQ(text_of_page(), page) << "run this test with TARMAC_WRITE_DOCS=1";
}

}  // namespace
}  // namespace tarmac
