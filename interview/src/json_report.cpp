#include <tarmac/interview/json_report.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tarmac::interview {
namespace {

using Json = nlohmann::ordered_json;

struct FigureWriterJson {
  Json operator()(const demo::Table& table) const {
    Json rows = Json::array();
    for (const auto& cells : table.rows) {
      Json row = Json::array();
      for (const auto& cell : cells) row.push_back(cell.text);
      rows.push_back(std::move(row));
    }
    return {{"kind", "table"}, {"header", table.header}, {"rows", std::move(rows)}};
  }
  Json operator()(const Bars& bars) const {
    Json all = Json::array();
    for (const auto& bar : bars.bars) all.push_back({{"label", bar.label}, {"value", bar.value}});
    return {{"kind", "bars"},
            {"subject", bars.subject},
            {"measure", bars.measure},
            {"bars", std::move(all)}};
  }
  Json operator()(const Sparkline& sparkline) const {
    return {{"kind", "sparkline"},
            {"label", sparkline.label},
            {"values", sparkline.values},
            {"range", sparkline.range}};
  }
  Json operator()(const Sentence& sentence) const {
    return {{"kind", "sentence"}, {"text", sentence.text}};
  }
  Json operator()(const Claim& claim) const {
    return {{"kind", "claim"}, {"text", claim.text}, {"holds", claim.holds}};
  }
};

Json as_json(const Visited& visited) {
  const auto& stop = *visited.stop;
  Json figures = Json::array();
  for (const auto& figure : visited.findings.figures) {
    figures.push_back(std::visit(FigureWriterJson(), figure));
  }
  Json follow_ups = Json::array();
  for (const auto& [question, answer] : stop.follow_ups) {
    follow_ups.push_back({{"question", question}, {"answer", answer}});
  }
  Json places = Json::array();
  for (const auto& [path, symbol, what] : stop.places) {
    places.push_back({{"path", path}, {"symbol", symbol}, {"what", what}});
  }
  return {{"name", stop.name},
          {"chapter", to_string(stop.chapter)},
          {"title", stop.title},
          {"question", stop.question},
          {"experiment", stop.experiment},
          {"holds", visited.findings.holds()},
          {"lacking", visited.findings.lacking},
          {"facts", visited.findings.facts},
          {"figures", std::move(figures)},
          {"answer", paragraphs(stop.answer)},
          {"follow_ups", std::move(follow_ups)},
          {"places", std::move(places)}};
}

}  // namespace

std::string to_json(const std::vector<Visited>& visited, const Circumstances& circumstances,
                    std::string_view version) {
  Json all = Json::array();
  for (const auto& one : visited) all.push_back(as_json(one));
  const bool holds = std::all_of(visited.begin(), visited.end(),
                                 [](const Visited& one) { return one.findings.holds(); });
  const Json report{{"tarmac", version},
                    {"status", holds ? "passed" : "failed"},
                    {"machine", circumstances.machine},
                    {"date", circumstances.date},
                    {"stops", std::move(all)}};
  return report.dump(2) + "\n";
}

}  // namespace tarmac::interview
