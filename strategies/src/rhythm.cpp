#include <tarmac/strategies/rhythm.h>

#include "ghost_ring.h"
#include "ranked_lines.h"
#include "reuse_model.h"
#include "stable_order.h"
#include "wait.h"
#include "wait_log.h"

#include <tarmac/core/assert.h>

#include <algorithm>

namespace tarmac {
namespace {

using internal::keep;
using internal::ReuseModel;
using internal::Wait;
using internal::wait_of;
using Bin = ReuseModel::Bin;

/// Residents stand in lines by their kind, all waits that have begun in a log: when a request has
/// passed, no entry but its own is touched.
class Rhythm final : public EvictionStrategy {
 public:
  Rhythm() {
    ghosts_.reserve(kGhosts * kLeastScale);
    begin_anew(0);
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "rhythm"; }

  void on_arrival(const EntryNode& node) noexcept override {
    pass_time();
    awaited_ = true;
    awaited_hash_ = node.hash;
    awaited_wait_ = {};
    const auto ghost = ghosts_.find(node.hash);
    if (ghost == Ghosts::kNone) return;
    awaited_wait_ = ghosts_[ghost];
    model_.regret(lines_.now() - awaited_wait_.used_at);
    ghosts_.forget(ghost);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!awaited_ || awaited_hash_ != node.hash) on_arrival(node);
    awaited_ = false;
    begin_wait(node, awaited_wait_);
    if (lines_.size() > model_.scale() + model_.scale() / 2 && may_widen_) widen();
  }

  void on_access(EntryNode& node) noexcept override {
    pass_time();
    const Wait wait = wait_of(node);
    model_.confirm(wait.of, lines_.bin_at(wait.used_at));
    lines_.remove(node);
    begin_wait(node, wait);
  }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    const Wait wait = wait_of(node);
    lines_.remove(node);
    node.scratch = 0;
    if (cause == RemovalCause::evicted) {
      has_evicted_ = true;
      const Wait forgotten = ghosts_.push(node.hash, wait);
      if (forgotten.is_kept) give_up(forgotten);
    } else {
      give_up(wait);
    }
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override { return lines_.lowest(); }
  [[nodiscard]] Outlook outlook() const noexcept override { return lines_.outlook(); }
  void prefetch(std::uint64_t hash) const noexcept override { ghosts_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    std::vector<EntryNode*> order(lines_.size());
    const std::uint64_t entries = begin_scale(capacity);
    ghosts_.reserve(kGhosts * std::max(entries, kLeastScale));
    const bool same_unit = capacity.in_weight == capacity_.in_weight;
    if (capacity.amount > capacity_.amount) has_evicted_ = false;
    capacity_ = capacity;
    // What was learned stays true while ages mean about the same.
    if (same_unit && entries <= 2 * model_.scale() && model_.scale() <= 2 * entries) return;
    release(order);
    std::sort(order.begin(), order.end(), [this](const EntryNode* a, const EntryNode* b) {
      const std::uint32_t age_a = lines_.now() - wait_of(*a).used_at;
      const std::uint32_t age_b = lines_.now() - wait_of(*b).used_at;
      return age_a != age_b ? age_a > age_b : a->hash < b->hash;
    });
    begin_anew(entries);
    for (EntryNode* node : order) {
      Wait wait = wait_of(*node);
      if (!same_unit) wait.of = model_.class_of(wait.uses, Bin{0}, node->weight);
      line_up(*node, wait);
    }
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    release(order);
    for (EntryNode* node : order) {
      give_up(wait_of(*node));
      node->scratch = 0;
    }
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    if (may_widen_ && order.size() > model_.scale() + model_.scale() / 2) begin_wider(order.size());
    // Ticks tell the order, but pass at another pace: each entry is taken to be one request older
    // than the next, and the more hits it had, the shorter its rhythm.
    auto age = static_cast<std::uint32_t>(order.size());
    for (EntryNode* node : order) {
      Wait wait;
      wait.used_at = lines_.now() - --age;
      wait.uses = static_cast<std::uint8_t>(
          std::min<std::uint32_t>(node->visits + std::uint32_t{1}, kMostUses));
      const auto rhythm = static_cast<std::uint32_t>(model_.scale() / wait.uses);
      wait.of = model_.class_of(wait.uses, model_.bin_of(rhythm), node->weight);
      line_up(*node, wait);
      recall_waits(*node, wait);
    }
    learned_at_ = lines_.now();
    model_.refresh();
    lines_.judge_anew();
    hurry_ = kHurry * model_.scale();
    set_periods();
    // What was here is no better than what comes, as it is where a cache has filled by itself: the
    // first of these speak for the others.
    early_ = order.size() / kSpeakers;
  }

 private:
  using Ghosts = internal::GhostRing<Wait>;
  static constexpr std::uint64_t kGhosts = 2;
  static constexpr std::uint8_t kMostUses = 255;
  static constexpr std::uint64_t kSpeakers = 64;
  static constexpr std::uint64_t kHurry = 10;  // After that, little is left of what it began with.
  static constexpr std::uint64_t kShortest = 16;  // Between two times that it learns in a hurry.
  static constexpr std::uint64_t kLeastScale = 16;
  static constexpr std::uint64_t kMostAhead = std::uint64_t{1} << 20U;

  /// How many entries there will be. In weight, or without a bound, that has to be seen.
  [[nodiscard]] std::uint64_t begin_scale(const StrategyCapacity& capacity) noexcept {
    may_widen_ = capacity.in_weight || capacity.amount > kMostAhead;
    return may_widen_ ? lines_.size() : capacity.amount;
  }

  void begin_anew(std::uint64_t entries) noexcept {
    model_.reset(std::max(entries, kLeastScale), capacity_.in_weight ? capacity_.amount : 0);
    set_periods();
    log_.restart(logged_ages(), model_.scale());
    lines_.set_time();
  }

  void set_periods() noexcept {
    const std::uint64_t scale = model_.scale();
    sort_period_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(scale / 32, 16, 1 << 16));
    // What it knows after a swap is soon outdated, in small caches within the usual period.
    const std::uint64_t shortest = hurry_ > 0 ? kShortest : 256;
    learn_period_ =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(scale / 20, shortest, 1 << 22));
  }

  /// Up to the last bin, as it was when ages were told the last time.
  [[nodiscard]] std::uint64_t logged_ages() const noexcept {
    return model_.begin(ReuseModel::kBins - 1) + 2 * std::uint64_t{sort_period_};
  }

  /// So many entries are there at once, of which on_resize() could not know.
  void begin_wider(std::uint64_t entries) noexcept {
    begin_anew(entries);
    try {
      ghosts_.reserve(kGhosts * model_.scale());
    } catch (const std::bad_alloc&) {
      // Remembers fewer.
    }
  }

  /// What the waits of `node` would have taught. When each of its hits came is not known: they are
  /// taken to have come at equal distances, and of uses that count alike one speaks. A newcomer
  /// that was not hit tells of its waiting in vain.
  void recall_waits(const EntryNode& node, const Wait& wait) noexcept {
    const bool was_hit = node.visits > 0;
    const std::uint32_t gap = was_hit ? (node.accessed_at - node.inserted_at) / node.visits : 0;
    if (was_hit && gap == 0) return;  // Brought back by a restart, which forgets arrivals.
    const Bin last = was_hit ? model_.bin_of(gap) : static_cast<Bin>(lines_.bin_at(wait.used_at));
    for (std::uint32_t uses = std::max(wait.uses / 2U, 1U); uses > 0; uses /= 2) {
      const ReuseModel::Class of = uses == 1 ? model_.class_of_newcomer(false, node.weight)
                                             : model_.class_of(uses, last, node.weight);
      for (std::size_t bin = 0; bin <= last; ++bin) model_.count_reached(of, bin);
      if (was_hit) model_.count_used(of, last);
    }
  }

  /// There are twice as many entries as the bins were made for.
  void widen() noexcept {
    sort_by_age();
    may_widen_ = model_.double_scale();
    if (!may_widen_) return;
    set_periods();
    try {
      ghosts_.reserve(kGhosts * model_.scale());
      log_.reserve(logged_ages(), model_.scale(), lines_.now());
    } catch (const std::bad_alloc&) {
      // Remembers fewer.
    }
    lines_.measure_anew();
  }

  /// `wait` has ended in a use of `node`, which begins another.
  void begin_wait(EntryNode& node, const Wait& wait) noexcept {
    const std::uint32_t now = lines_.now();
    Wait next;
    Bin last = 0;
    if (wait.uses > 0) {
      last = model_.bin_of(now - wait.used_at);
      if (log_.keeps(wait.used_at)) count_use(wait, last);
    }
    next.used_at = now;
    next.uses = static_cast<std::uint8_t>(std::min<std::uint32_t>(wait.uses + 1U, kMostUses));
    next.of = wait.uses > 0 ? model_.class_of(next.uses, last, node.weight)
                            : model_.class_of_newcomer(is_early(), node.weight);
    if (log_.keeps(now)) {
      log_.begin(now, next.of);
      model_.count_reached(next.of, 0, log_.step());
    }
    keep(node, next);
    lines_.push(node);
  }

  /// Whether a newcomer comes while the cache fills, or is taken to.
  bool is_early() noexcept {
    if (early_ == 0) return !has_evicted_;
    --early_;
    return true;
  }

  void count_use(const Wait& wait, Bin last) noexcept {
    if (lines_.now() - wait.used_at >= log_.span() || !log_.end(wait.used_at)) return;
    for (std::size_t bin = lines_.bin_at(wait.used_at) + 1; bin <= last; ++bin) {
      model_.count_reached(wait.of, bin, log_.step());
    }
    model_.count_used(wait.of, last, log_.step());
  }

  /// Nobody will tell how `wait` ends.
  void give_up(const Wait& wait) noexcept {
    if (!log_.keeps(wait.used_at) || lines_.now() - wait.used_at >= log_.span()) return;
    log_.end(wait.used_at);
  }

  void pass_time() noexcept {
    lines_.pass_request();
    const std::uint32_t now = lines_.now();
    if (hurry_ > 0 && --hurry_ == 0) set_periods();
    if (log_.keeps(now)) log_.end(now);  // Of a time long ago.
    if (now - lines_.time() >= sort_period_) sort_by_age();
    if (now - learned_at_ >= learn_period_) begin_to_learn();
    if (model_.is_refreshing()) learn();
  }

  /// Counts what has come to another bin.
  void sort_by_age() noexcept {
    const std::uint32_t before = lines_.time();
    lines_.set_time();
    for (std::size_t bin = 1; bin < ReuseModel::kBins; ++bin) {
      const std::uint32_t age = model_.begin(bin);
      if (age + std::uint64_t{sort_period_} >= log_.span()) break;
      log_.for_each(before - age, lines_.time() - age, [this, bin](WaitLog::Kind kind) {
        model_.count_reached(kind, bin, log_.step());
      });
    }
  }

  void begin_to_learn() noexcept {
    learned_at_ = lines_.now();
    model_.begin_refresh();
  }
  /// One kind with each request, so that none takes much longer than others; in a hurry as many as
  /// it takes to be ready before it learns again.
  void learn() noexcept {
    const std::uint64_t kinds = hurry_ > 0 ? ReuseModel::kClasses / kShortest : 1;
    for (std::uint64_t i = 0; i < kinds && model_.is_refreshing(); ++i) {
      if (model_.refresh_next()) lines_.judge_anew();
    }
  }

  /// Writes all to `order`, the next victim first, and tracks none of them; they keep their waits.
  void release(std::span<EntryNode*> order) noexcept {
    for (EntryNode*& node : order) {
      node = lines_.lowest();
      TARMAC_ASSERT(node != nullptr);
      lines_.remove(*node);
    }
  }

  /// Tracks `node`, which is used later than all in its line.
  void line_up(EntryNode& node, const Wait& wait) noexcept {
    keep(node, wait);
    lines_.push(node);
    if (log_.keeps(wait.used_at) && lines_.now() - wait.used_at < log_.span()) {
      log_.begin(wait.used_at, wait.of);
    }
  }

  using WaitLog = internal::WaitLog;

  ReuseModel model_;
  internal::RankedLines lines_{model_};
  WaitLog log_;
  Ghosts ghosts_;
  StrategyCapacity capacity_;
  bool may_widen_ = true;
  bool has_evicted_ = false;  // Since there was room for more.
  std::uint64_t early_ = 0;   // So many newcomers are taken to come while it fills.
  std::uint64_t hurry_ = 0;   // For so many requests more it learns often.
  std::uint32_t learned_at_ = 0;
  std::uint32_t sort_period_ = 1;
  std::uint32_t learn_period_ = 1;
  // A newcomer that has been announced.
  bool awaited_ = false;
  std::uint64_t awaited_hash_ = 0;
  Wait awaited_wait_;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_rhythm() { return std::make_unique<Rhythm>(); }

}  // namespace tarmac
