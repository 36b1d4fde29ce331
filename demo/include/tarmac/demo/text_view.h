// A demo as people read it.
#pragma once

#include <tarmac/demo/layout.h>
#include <tarmac/demo/play.h>
#include <tarmac/demo/result.h>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace tarmac::demo {

struct TextViewOptions {
  bool colour = false;
  /// A bar for long steps, drawn over itself: for a terminal only.
  bool progress = false;
};

/// Writes each step as it is done, and what came of all of them at the end. UTF-8.
/// Thread-safety: not synchronised.
class TextView final : public PlayListener {
 public:
  /// `out` must outlive the view.
  explicit TextView(std::ostream& out, TextViewOptions options = {});

  void on_scenario(const Scenario& scenario) override;
  void on_progress(std::string_view what, double fraction) override;
  void on_step(const StepResult& step) override;
  void on_scenario_done(const ScenarioResult& result) override;

  /// The metrics of every cache at the end, and one line that sums up.
  void show_summary(const DemoResult& result);
  /// The metrics alone, of a load that was stopped.
  void show_caches(std::span<const CacheFigures> caches);

 private:
  [[nodiscard]] std::string inked(Ink ink, std::string_view text) const;
  void write_table(const Table& table);
  void write_checks(const StepResult& step);
  void clear_progress();
  void blank_line();

  std::ostream& out_;
  TextViewOptions options_;
  std::string file_;
  bool after_blank_ = false;
  bool progress_shown_ = false;
  std::int64_t progress_at_ = 0;
};

/// A row for each cache: its parts, and the figures that tell most.
[[nodiscard]] Table table_of(std::span<const CacheFigures> caches);

}  // namespace tarmac::demo
