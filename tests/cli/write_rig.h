// Calls of `tarmac write` in a folder of their own.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.h"
#include "store_files.h"

namespace tarmac::cli {

class WriteTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string in_folder(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string summary_path() const { return in_folder("summary.json"); }

  Finished write(const std::string& input, std::vector<std::string> more = {}) {
    overwrite_file(in_folder("input.json"), input);
    std::vector<std::string> words{"write",    "--input",      in_folder("input.json"),
                                   "--output", summary_path(), "--no-progress"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  /// `backends` and `records` as lists without their brackets.
  static std::string input_of(const std::string& backends, const std::string& records) {
    return "{\"backends\":[" + backends + "],\n\"records\":[" + records + "]}\n";
  }
  [[nodiscard]] nlohmann::json summary() const {
    return nlohmann::json::parse(bytes_of_file(summary_path()));
  }
  /// What the summary says of the backend called `name`.
  [[nodiscard]] nlohmann::json backend(const std::string& name) const {
    const auto all = summary();
    for (const auto& one : all.at("backends")) {
      if (one.at("name") == name) return one;
    }
    ADD_FAILURE() << "no backend is called " << name;
    return {};
  }
  [[nodiscard]] std::string sqlite_backend() const {
    return R"({"type":"sqlite","path":")" + in_folder("values.db") + R"("})";
  }
  [[nodiscard]] std::string file_backend() const {
    return R"({"type":"file","path":")" + in_folder("values.json") + R"("})";
  }
  /// `count` records with different keys.
  static std::string many(int count) {
    std::string records;
    for (int i = 0; i < count; ++i) {
      records += (i == 0 ? "" : ",\n") + std::string(R"({"key":"k)") + std::to_string(i) +
                 R"(","value":{"number":)" + std::to_string(i) + "}}";
    }
    return records;
  }

  ScratchFolder folder_;
};

}  // namespace tarmac::cli
