#include "lab/caches.h"
#include "stops/stops.h"

namespace tarmac::interview {
namespace {

const char* word_of(UndoOutcome outcome) {
  return outcome == UndoOutcome::done      ? "done"
         : outcome == UndoOutcome::nothing ? "nothing"
                                           : "conflict";
}

/// Writes down what became of a balance, step by step.
class Ledger {
 public:
  explicit Ledger(TextCache& cache) : cache_(cache) {}

  void note(const std::string& step, const std::string& outcome) {
    table_.rows.push_back({{step},
                           {outcome},
                           {cache_.get("alice").value_or("-")},
                           {cache_.get("bob").value_or("-")},
                           number(std::to_string(cache_.stats().undo_depth))});
  }
  [[nodiscard]] demo::Table table() const { return table_; }

 private:
  TextCache& cache_;
  demo::Table table_{{"step", "outcome", "alice", "bob", "can be undone"}, {}};
};

Findings transfer(const Surroundings&) {
  TextCache cache(plain_options(100));
  cache.set("alice", "100");
  cache.set("bob", "0");
  Ledger ledger(cache);
  ledger.note("before", "");
  cache.execute(MacroCommand<std::string, std::string>()
                    .add(SetCommand("alice", "60"))
                    .add(SetCommand("bob", "40")));
  ledger.note("transfer 40, a macro command", "changed");
  const auto undone = cache.undo();
  const bool both_back = cache.get("alice") == "100" && cache.get("bob") == "0";
  ledger.note("undo", word_of(undone));
  const auto redone = cache.redo();
  const bool both_again = cache.get("alice") == "60" && cache.get("bob") == "40";
  ledger.note("redo", word_of(redone));
  cache.set("bob", "999");
  ledger.note("somebody else sets bob", "");
  const auto refused = cache.undo();
  ledger.note("undo", word_of(refused));
  const bool untouched = cache.get("alice") == "60" && cache.get("bob") == "999";
  const auto empty = cache.undo();
  ledger.note("undo", word_of(empty));

  Findings findings;
  findings.add(ledger.table());
  findings.claim("a macro command is undone and redone as one", undone == UndoOutcome::done &&
                                                                    redone == UndoOutcome::done &&
                                                                    both_back && both_again);
  findings.claim("undo clobbers nothing that somebody else has written, and says so",
                 refused == UndoOutcome::conflict && untouched);
  findings.claim("a command that met a conflict is dropped", empty == UndoOutcome::nothing);
  return findings;
}

}  // namespace

Stop command_stop() {
  return {
      .name = "command",
      .chapter = Chapter::patterns,
      .title = "Command: changes that can be taken back",
      .question = "How would you build undo and redo into a cache that many threads use?",
      .experiment =
          "A transfer of two writes is executed as one command, undone and redone; then somebody "
          "else writes "
          "one of its keys.",
      .run = transfer,
      .answer = R"(
A command is a value that says what to do (`SetCommand`, `DeleteCommand`, `MacroCommand`); `execute` does it and keeps a record:
for each key the version before it, with the time that version still had to live, and the stamp of what was written. `undo` is
then a write like any other, through write policy, log and events, on the condition that the key still has that stamp.

The condition is what makes undo safe with other writers. Without it, undo would put an old value over a newer one of somebody
who never heard of the command. A macro command is taken back key by key, the last one first; where one meets a conflict, those before it are
put as they were: all of it or nothing. In a durable cache its steps are one record of the log, so a crash cannot part them either.)",
      .follow_ups =
          {{"What does a new command do to redo?",
            "It clears it. A redo over changes that were made since would mix two histories."},
           {"Is an expired value undone into life?",
            "No. What comes back has its remaining TTL; if that is over, the key is absent."},
           {"Why stamps and not values?",
            "Equal values may be different writes (A to B to A). A stamp is taken once for each "
            "write of a key, in the "
            "critical section, and never again (decision 0012)."},
           {"Why is plain `set()` not undoable?",
            "The history holds values alive and takes memory and time; only who asks for it, by "
            "`execute`, pays."}},
      .places = {{"core/include/tarmac/core/command.h", "class MacroCommand", "commands as values"},
                 {"core/include/tarmac/core/internal/command_history.h", "struct HistoryRecord",
                  "what is remembered"},
                 {"docs/decisions/0012-undo-by-renewed-stamps.md", "stamp",
                  "why stamps, and how they are renewed"}},
  };
}

}  // namespace tarmac::interview
