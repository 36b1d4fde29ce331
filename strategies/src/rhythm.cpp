#include <tarmac/strategies/rhythm.h>

#include "ghost_ring.h"
#include "node_list.h"
#include "reuse_model.h"
#include "stable_order.h"

#include <tarmac/core/assert.h>

#include <algorithm>
#include <array>
#include <bit>

namespace tarmac {
namespace {

using internal::ReuseModel;
using Class = ReuseModel::Class;
using Bin = ReuseModel::Bin;

/// What a key waits with for its next use: kept in the `scratch` of a resident, or with a ghost.
struct Wait {
  std::uint32_t used_at = 0;
  Class of = 0;
  Bin bin = 0;  // The one that it was last counted in.
  std::uint8_t uses = 0;
  bool is_kept = false;  // By the ring of ghosts.
};
static_assert(sizeof(Wait) == sizeof(EntryNode::scratch));

Wait wait_of(const EntryNode& node) noexcept { return std::bit_cast<Wait>(node.scratch); }
void keep(EntryNode& node, const Wait& wait) noexcept {
  node.scratch = std::bit_cast<std::uint64_t>(wait);
}

/// The cells of the model in the order of their index, and which of them have entries.
class Ranking {
 public:
  /// By counting: steps of 3 % are as fine as anybody needs.
  void sort(const ReuseModel& model) noexcept {
    std::array<std::uint16_t, kSteps + 1> ends{};
    std::array<std::uint16_t, ReuseModel::kCells> steps{};
    for (std::size_t cell = 0; cell < ReuseModel::kCells; ++cell) {
      steps[cell] = step_of(model.index(cell));
      ++ends[steps[cell] + 1U];
    }
    for (std::size_t step = 1; step <= kSteps; ++step) {
      ends[step] = static_cast<std::uint16_t>(ends[step] + ends[step - 1]);
    }
    // Among equals the older bin first.
    for (std::size_t cell = ReuseModel::kCells; cell-- > 0;) {
      const std::uint16_t place = ends[steps[cell]]++;
      order_[place] = static_cast<std::uint16_t>(cell);
      places_[cell] = place;
    }
  }
  [[nodiscard]] std::size_t at(std::size_t place) const noexcept { return order_[place]; }

  void clear() noexcept { filled_.fill(0); }
  void fill(std::size_t cell) noexcept {
    filled_[places_[cell] / 64U] |= std::uint64_t{1} << (places_[cell] % 64U);
  }
  void empty(std::size_t cell) noexcept {
    filled_[places_[cell] / 64U] &= ~(std::uint64_t{1} << (places_[cell] % 64U));
  }
  /// The cell of the lowest index that is filled; kCells if none is.
  [[nodiscard]] std::size_t lowest() const noexcept {
    for (std::size_t word = 0; word < filled_.size(); ++word) {
      if (filled_[word] == 0) continue;
      return order_[word * 64 + static_cast<std::size_t>(std::countr_zero(filled_[word]))];
    }
    return ReuseModel::kCells;
  }

 private:
  static constexpr std::size_t kSteps = 2048;

  /// Five bits of the mantissa, and the exponent from 2^-62 to 1.
  static std::uint16_t step_of(float index) noexcept {
    constexpr std::uint32_t kLowest = (127U - 62U) << 5U;
    const std::uint32_t step = std::bit_cast<std::uint32_t>(index) >> 18U;
    return static_cast<std::uint16_t>(
        std::min<std::uint32_t>(std::max(step, kLowest) - kLowest, kSteps - 1));
  }

  std::array<std::uint16_t, ReuseModel::kCells> order_{};
  std::array<std::uint16_t, ReuseModel::kCells> places_{};
  std::array<std::uint64_t, (ReuseModel::kCells + 63) / 64> filled_{};
};

/// Residents of one class stand in a line by their last use. The line is cut into the bins of age;
/// of each piece the oldest entry is known: it is the next to leave it, for an older bin or as the
/// victim.
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
    model_.regret(now_ - awaited_wait_.used_at);
    ghosts_.forget(ghost);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!awaited_ || awaited_hash_ != node.hash) on_arrival(node);
    awaited_ = false;
    begin_wait(node, awaited_wait_);
    ++residents_;
    if (residents_ > model_.scale() + model_.scale() / 2 && may_widen_) widen();
  }

  void on_access(EntryNode& node) noexcept override {
    pass_time();
    const Wait wait = wait_of(node);
    model_.confirm(wait.of, wait.bin);
    leave_line(node, wait);
    begin_wait(node, wait);
  }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    const Wait wait = wait_of(node);
    leave_line(node, wait);
    node.scratch = 0;
    --residents_;
    if (cause == RemovalCause::evicted) ghosts_.push(node.hash, wait);
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    const std::size_t cell = ranking_.lowest();
    return cell == ReuseModel::kCells ? nullptr : oldest_[cell];
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    const std::size_t cell = ranking_.lowest();
    if (cell == ReuseModel::kCells) return {};
    const EntryNode* const next = oldest_[cell];
    return {next, lines_[wait_of(*next).of].newer_than(*next)};
  }

  void on_resize(const StrategyCapacity& capacity) override {
    std::vector<EntryNode*> order(residents_);
    const std::uint64_t entries = begin_scale(capacity);
    ghosts_.reserve(kGhosts * std::max(entries, kLeastScale));
    const bool same_unit = capacity.in_weight == capacity_.in_weight;
    capacity_ = capacity;
    // What was learned stays true while ages mean about the same.
    if (same_unit && entries <= 2 * model_.scale() && model_.scale() <= 2 * entries) return;
    release(order);
    std::sort(order.begin(), order.end(), [this](const EntryNode* a, const EntryNode* b) {
      const std::uint32_t age_a = now_ - wait_of(*a).used_at;
      const std::uint32_t age_b = now_ - wait_of(*b).used_at;
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
    for (EntryNode* node : order) node->scratch = 0;
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    // Ticks tell the order, but pass at another pace: each entry is taken to be one request older
    // than the next, and the more hits it had, the shorter its rhythm.
    auto age = static_cast<std::uint32_t>(order.size());
    for (EntryNode* node : order) {
      Wait wait;
      wait.used_at = now_ - --age;
      wait.uses = static_cast<std::uint8_t>(
          std::min<std::uint32_t>(node->visits + std::uint32_t{1}, kMostUses));
      const auto rhythm = static_cast<std::uint32_t>(model_.scale() / wait.uses);
      wait.of = model_.class_of(wait.uses, model_.bin_of(rhythm), node->weight);
      line_up(*node, wait);
    }
  }

 private:
  using Ghosts = internal::GhostRing<Wait>;
  static constexpr std::uint64_t kGhosts = 2;
  static constexpr std::uint8_t kMostUses = 255;
  static constexpr std::uint64_t kLeastScale = 16;
  static constexpr std::uint64_t kMostAhead = std::uint64_t{1} << 20U;

  /// How many entries there will be. In weight, or without a bound, that has to be seen.
  [[nodiscard]] std::uint64_t begin_scale(const StrategyCapacity& capacity) noexcept {
    may_widen_ = capacity.in_weight || capacity.amount > kMostAhead;
    return may_widen_ ? residents_ : capacity.amount;
  }

  void begin_anew(std::uint64_t entries) noexcept {
    model_.reset(std::max(entries, kLeastScale), capacity_.in_weight ? capacity_.amount : 0);
    set_periods();
    rank();
  }

  void set_periods() noexcept {
    const std::uint64_t scale = model_.scale();
    sort_period_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(scale / 128, 8, 1 << 16));
    learn_period_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(scale / 20, 128, 1 << 22));
  }

  /// There are twice as many entries as the bins were made for.
  void widen() noexcept {
    model_.double_scale();
    try {
      ghosts_.reserve(kGhosts * model_.scale());
    } catch (const std::bad_alloc&) {
      // Remembers fewer.
    }
    set_periods();
    sort_by_age();
    rank();
  }

  /// `wait` has ended in a use of `node`, which begins another.
  void begin_wait(EntryNode& node, const Wait& wait) noexcept {
    Wait next;
    Bin last = 0;
    if (wait.uses > 0) {
      last = model_.bin_of(now_ - wait.used_at);
      count_until(wait, last);
      model_.count_used(wait.of, last);
    }
    next.used_at = now_;
    next.uses = static_cast<std::uint8_t>(std::min<std::uint32_t>(wait.uses + 1U, kMostUses));
    next.of = model_.class_of(next.uses, last, node.weight);
    model_.count_reached(next.of, 0);
    keep(node, next);
    lines_[next.of].push_newest(node);
    join(node, next);
  }

  void count_until(const Wait& wait, Bin bin) noexcept {
    for (std::size_t each = wait.bin + 1U; each <= bin; ++each) model_.count_reached(wait.of, each);
  }

  /// `node` is the newest of its bin.
  void join(EntryNode& node, const Wait& wait) noexcept {
    const std::size_t cell = ReuseModel::cell(wait.of, wait.bin);
    if (oldest_[cell] != nullptr) return;
    oldest_[cell] = &node;
    ranking_.fill(cell);
  }

  void leave_line(EntryNode& node, const Wait& wait) noexcept {
    const std::size_t cell = ReuseModel::cell(wait.of, wait.bin);
    if (oldest_[cell] == &node) leave_bin(cell, lines_[wait.of].newer_than(node), wait.bin);
    lines_[wait.of].remove(node);
  }

  /// The oldest of `cell` leaves it; `newer` stands behind it in the line.
  void leave_bin(std::size_t cell, EntryNode* newer, Bin bin) noexcept {
    if (newer != nullptr && wait_of(*newer).bin == bin) {
      oldest_[cell] = newer;
    } else {
      oldest_[cell] = nullptr;
      ranking_.empty(cell);
    }
  }

  void pass_time() noexcept {
    ++now_;
    if (now_ - sorted_at_ >= sort_period_) sort_by_age();
    if (now_ - learned_at_ >= learn_period_) learn();
  }

  /// Moves on what has come to another bin.
  void sort_by_age() noexcept {
    sorted_at_ = now_;
    for (std::size_t of = 0; of < ReuseModel::kClasses; ++of) {
      if (lines_[of].empty()) continue;
      for (std::size_t bin = ReuseModel::kBins - 1; bin-- > 0;) {
        const std::size_t cell = ReuseModel::cell(static_cast<Class>(of), bin);
        while (EntryNode* const node = oldest_[cell]) {
          Wait wait = wait_of(*node);
          const std::uint32_t age = now_ - wait.used_at;
          if (age < model_.begin(bin + 1)) break;
          leave_bin(cell, lines_[of].newer_than(*node), wait.bin);
          const Bin into = model_.bin_of(age);
          count_until(wait, into);
          wait.bin = into;
          keep(*node, wait);
          join(*node, wait);
        }
      }
    }
  }

  void learn() noexcept {
    learned_at_ = now_;
    if (++rounds_ % 4 == 0) {
      ghosts_.for_each([this](Wait& wait) {
        const Bin bin = model_.bin_of(now_ - wait.used_at);
        count_until(wait, bin);
        wait.bin = std::max(bin, wait.bin);
      });
    }
    model_.refresh();
    rank();
  }

  void rank() noexcept {
    ranking_.sort(model_);
    ranking_.clear();
    for (std::size_t cell = 0; cell < oldest_.size(); ++cell) {
      if (oldest_[cell] != nullptr) ranking_.fill(cell);
    }
  }

  /// Writes all to `order`, the next victim first, and tracks none of them; they keep their waits.
  void release(std::span<EntryNode*> order) noexcept {
    std::size_t written = 0;
    for (std::size_t place = 0; place < ReuseModel::kCells; ++place) {
      const std::size_t cell = ranking_.at(place);
      EntryNode* node = oldest_[cell];
      while (node != nullptr && ReuseModel::cell(wait_of(*node).of, wait_of(*node).bin) == cell) {
        TARMAC_ASSERT(written < order.size());
        order[written++] = node;
        node = lines_[wait_of(*node).of].newer_than(*node);
      }
    }
    for (EntryNode* node : order) lines_[wait_of(*node).of].remove(*node);
    oldest_.fill(nullptr);
    ranking_.clear();
    residents_ = 0;
  }

  /// Tracks `node`, which is used later than all in its line.
  void line_up(EntryNode& node, Wait wait) noexcept {
    wait.bin = model_.bin_of(now_ - wait.used_at);
    keep(node, wait);
    lines_[wait.of].push_newest(node);
    join(node, wait);
    ++residents_;
  }

  ReuseModel model_;
  Ranking ranking_;
  std::array<internal::NodeList, ReuseModel::kClasses> lines_;
  std::array<EntryNode*, ReuseModel::kCells> oldest_{};
  Ghosts ghosts_;
  StrategyCapacity capacity_;
  std::uint64_t residents_ = 0;
  bool may_widen_ = true;
  std::uint32_t now_ = 0;
  std::uint32_t sorted_at_ = 0;
  std::uint32_t learned_at_ = 0;
  std::uint32_t rounds_ = 0;
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
