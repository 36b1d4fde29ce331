// A stop as people read it.
#pragma once

#include <tarmac/interview/stop.h>

#include <iosfwd>

namespace tarmac::interview {

/// Question, and what the experiment is about to do.
void show_question(std::ostream& out, const Stop& stop, bool colour);
void show_findings(std::ostream& out, const Findings& findings, bool colour);
/// Answer, follow-up questions, and the places in the code.
void show_answer(std::ostream& out, const Stop& stop, bool colour);
/// A line for each stop, under its chapter.
void show_list(std::ostream& out, bool colour);

}  // namespace tarmac::interview
