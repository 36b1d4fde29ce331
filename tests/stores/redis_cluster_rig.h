// A real Redis Cluster on this machine: three primaries, and a fourth node that has no slots yet.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/stores/redis_store.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "redis_server.h"
#include "redis_slots.h"
#include "wait_and_ports.h"

namespace tarmac {

/// Started once for all tests of a program, which takes two seconds: so long a node that has just
/// begun does not take part. A test that changes where slots are puts them back: see SlotsAsBefore.
class ClusterRig {
 public:
  static constexpr std::size_t kPrimaries = 3;
  static constexpr std::size_t kSpare = 3;

  static ClusterRig& instance() {
    static ClusterRig rig;
    return rig;
  }

  [[nodiscard]] RedisServer& node(std::size_t index) { return *nodes_[index].server; }
  [[nodiscard]] std::string address(std::size_t index) const {
    return "127.0.0.1:" + std::to_string(nodes_[index].port);
  }
  [[nodiscard]] std::string seeds() const { return address(0) + ", " + address(1); }

  [[nodiscard]] static std::size_t first_owner(std::uint16_t slot) {
    return slot * kPrimaries / internal::kRedisSlots;
  }
  /// The node that had `key` when the cluster was made.
  [[nodiscard]] RedisServer& home_of(const std::string& key) {
    return node(first_owner(internal::redis_slot(key)));
  }
  /// A key that begins with `start`, whose home is node `index`.
  [[nodiscard]] static std::string key_of(std::size_t index, const std::string& start) {
    for (int i = 0;; ++i) {
      auto key = start + std::to_string(i);
      if (first_owner(internal::redis_slot(key)) == index) return key;
    }
  }

  /// Removes all keys.
  void empty() {
    for (auto& one : nodes_) one.server->ask({"FLUSHALL"});
  }
  /// From here on keys of `slot` that are not at `from` are looked for at `to`.
  void begin_move(std::uint16_t slot, std::size_t from, std::size_t to) {
    const auto text = std::to_string(slot);
    must(to, {"CLUSTER", "SETSLOT", text, "IMPORTING", nodes_[from].id});
    must(from, {"CLUSTER", "SETSLOT", text, "MIGRATING", nodes_[to].id});
  }
  void move_keys(std::uint16_t slot, std::size_t from, std::size_t to) {
    for (;;) {
      const auto keys =
          node(from).ask_all({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "16"});
      if (keys.empty()) return;
      for (const auto& key : keys) move_key(key, from, to);
    }
  }
  void move_key(const std::string& key, std::size_t from, std::size_t to) {
    const auto port = std::to_string(nodes_[to].port);
    node(from).ask({"MIGRATE", "127.0.0.1", port, key, "0", "10000"});
  }
  void end_move(std::uint16_t slot, std::size_t from, std::size_t to) {
    const std::vector<std::string> command{"CLUSTER", "SETSLOT", std::to_string(slot), "NODE",
                                           nodes_[to].id};
    must(to, command);
    must(from, command);
    for (std::size_t i = 0; i < nodes_.size(); ++i) must(i, command);
    await_epoch(to);
  }
  /// Until every node has heard under which epoch `index` has its slots. A slot that moves on
  /// before might get the same epoch from its next node: then the nodes fight for it, and who loses
  /// drops its keys.
  void await_epoch(std::size_t index) {
    const auto epoch = epoch_of(nodes_[index], nodes_[index].id);
    for (auto& one : nodes_) await([&] { return epoch_of(one, nodes_[index].id) == epoch; });
  }
  /// As an operator does who wants no request to fail.
  void move(std::uint16_t slot, std::size_t from, std::size_t to) {
    begin_move(slot, from, to);
    move_keys(slot, from, to);
    end_move(slot, from, to);
  }
  /// Until all nodes say that the cluster works.
  void await_ok() {
    for (auto& one : nodes_) {
      await([&] {
        const auto info = one.server->ask({"CLUSTER", "INFO"});
        return info.find("cluster_state:ok") != std::string::npos &&
               info.find("cluster_known_nodes:4") != std::string::npos;
      });
    }
  }

 private:
  struct Node {
    std::uint16_t port = 0;
    std::uint16_t bus_port = 0;
    std::unique_ptr<RedisServer> server = nullptr;
    std::string id = {};
  };

  ClusterRig() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      auto& one = nodes_[i];
      start(one);
      one.id = one.server->ask({"CLUSTER", "MYID"});
      must(i, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i < kPrimaries) must(i, slots_of(i));
    }
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      must(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i].port),
               std::to_string(nodes_[i].bus_port)});
    }
    await_ok();
    for (auto& one : nodes_) {
      await([&one] { return one.server->ask_all({"CLUSTER", "SLOTS"}).size() == kPrimaries; });
    }
  }

  /// What `asked` knows of the node `id`; "" for nothing.
  static std::string epoch_of(Node& asked, const std::string& id) {
    std::istringstream lines(asked.server->ask({"CLUSTER", "NODES"}));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(id)) continue;
      std::istringstream words(line);
      std::string word;
      for (int i = 0; i < 7; ++i) words >> word;  // id, address, flags, primary, ping, pong, epoch.
      return word;
    }
    return "";
  }
  static void start(Node& one) {
    for (int attempt = 0; !one.server; ++attempt) {
      one.port = free_port();
      one.bus_port = free_port();
      try {
        one.server = std::make_unique<RedisServer>(std::vector<std::string>{
            "--port", std::to_string(one.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes",
            "--cluster-port", std::to_string(one.bus_port), "--cluster-node-timeout", "60000",
            // A node that has given its last slot away is not to become the replica of who took it.
            "--cluster-allow-replica-migration", "no",
            // One that is stopped must not stop the others.
            "--cluster-require-full-coverage", "no"});
      } catch (const std::runtime_error&) {
        constexpr int kAttempts = 5;  // Somebody else may have taken a port meanwhile.
        if (attempt + 1 == kAttempts) throw;
      }
    }
  }
  static std::vector<std::string> slots_of(std::size_t index) {
    std::size_t first = 0;
    while (first_owner(static_cast<std::uint16_t>(first)) < index) ++first;
    auto last = first;
    while (last + 1 < internal::kRedisSlots &&
           first_owner(static_cast<std::uint16_t>(last + 1)) == index) {
      ++last;
    }
    return {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)};
  }
  void must(std::size_t index, const std::vector<std::string>& command) {
    const auto answer = node(index).ask(command);
    if (answer != "OK") throw std::runtime_error(command[1] + " " + command[2] + ": " + answer);
  }

  std::array<Node, kPrimaries + 1> nodes_;
};

/// How much longer than every day a test is to take.
inline int stress_factor() {
  const char* text = std::getenv("TARMAC_STRESS_FACTOR");
  return text == nullptr ? 1 : std::atoi(text);
}

/// What stores and tiers of tests use to reach the cluster.
inline RedisStoreOptions cluster_options() {
  RedisStoreOptions options;
  options.cluster = ClusterRig::instance().seeds();
  options.call_limit = std::chrono::seconds(10);
  options.retry_initial = std::chrono::milliseconds(1);
  options.retry_max = std::chrono::milliseconds(5);
  return options;
}

}  // namespace tarmac
