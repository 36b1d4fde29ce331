#include <tarmac/strategies/wtinylfu.h>

#include "frequency_sketch.h"
#include "node_list.h"
#include "shares.h"
#include "stable_order.h"
#include "window_climber.h"

#include <algorithm>
#include <cmath>

namespace tarmac {
namespace {

/// A candidate used so often is let in without being better, once in so many times.
constexpr std::uint32_t kOftenUsed = 6;
constexpr std::uint64_t kOneIn = 128;
/// What is more of an entry's hits than a counter holds says nothing new.
constexpr std::uint32_t kMostUsesTakenOver = internal::FrequencySketch::kMostCount;
/// The uses that a sketch still holds, on average between two halvings, for each entry.
constexpr double kReach = 7.5;

/// How far the window opens when a swap begins, at most; and the part of all entries of which fewer
/// newcomers count as so many: of few nearly all may have been hit.
constexpr double kWidestAtFirst = 0.25;
constexpr std::size_t kFewNewcomers = 16;

// In `flags` of a node: where it is.
constexpr std::uint8_t kWindow = 1;
constexpr std::uint8_t kProbation = 2;
constexpr std::uint8_t kProtected = 3;

class WTinyLfu final : public EvictionStrategy {
 public:
  explicit WTinyLfu(const WTinyLfuOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "wtinylfu"; }

  // Its use counts before it is decided who makes room for it.
  void on_arrival(const EntryNode& node) noexcept override {
    begin_decision();
    count_use(node, 1);
    arrives_ = true;
    arriving_hash_ = node.hash;
    arriving_cost_ = capacity_.cost(node);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!arrives_ || arriving_hash_ != node.hash) count_use(node, 1);
    arrives_ = false;
    ++tracked_;
    place(node, kWindow);
    fit_sketch();
    while (window_cost_ > window_limit_ && window_.oldest() != &node) demote_from_window();
    begin_decision();
    climb(false, 1);
  }

  void on_access(EntryNode& node) noexcept override { on_access_run(node, 1); }

  void on_access_run(EntryNode& node, std::uint32_t hits) noexcept override {
    if (hits == 0) return;
    // As long as neither counts fade nor the window changes, the first hit moves the entry where it
    // then stays.
    if (sketch_.fades_within(hits) || climber_.is_due_within(hits, tracked_)) {
      for (; hits > 0; --hits) access(node, 1);
    } else {
      access(node, hits);
    }
  }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    if (capacity_.in_weight) {
      std::uint64_t& cost = cost_of_segment(node.flags);
      cost -= old_weight;
      cost += node.weight;
    }
    count_use(node, 1);
    use(node);
    protect_no_more_than_allowed();
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if (cause == RemovalCause::evicted) is_full_ = true;
    has_candidate_left_ = &node == candidate_;
    // The candidate that was weighed last is no longer one, whichever of the two goes.
    if (candidate_ != nullptr && (&node == chosen_ || &node == candidate_)) {
      candidate_ = segment(candidate_->flags).newer_than(*candidate_);
      if (candidate_ == &node) candidate_ = nullptr;
    }
    chosen_ = nullptr;
    take_out(node);
    node.flags = 0;
    --tracked_;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    if (chosen_ == nullptr) chosen_ = decide();
    return chosen_;
  }
  // Of the two that a decision weighs, the one that stayed was told of before.
  [[nodiscard]] Outlook outlook() const noexcept override {
    const Outlook ahead = (has_candidate_left_ ? window_ : probation_).outlook();
    if (ahead.after != nullptr) {
      sketch_.prefetch(ahead.after->hash);
      internal::fetch(ahead.after->next);
    }
    return ahead;
  }

  void on_resize(const StrategyCapacity& capacity) override {
    if (!capacity.in_weight) sketch_.reserve(std::min(capacity.amount, internal::kReservedEntries));
    if (capacity.amount > capacity_.amount) is_full_ = false;
    capacity_ = capacity;
    // The unit may be another one now.
    for (const std::uint8_t where : {kWindow, kProbation, kProtected}) {
      std::uint64_t& cost = cost_of_segment(where);
      cost = 0;
      const internal::NodeList& line = segment(where);
      for (const auto* node = line.oldest(); node != nullptr; node = line.newer_than(*node)) {
        cost += capacity.cost(*node);
      }
    }
    counts_uses_ = counts_uses_ || !capacity.in_weight;
    start_climbing();
    while (window_cost_ > window_limit_) demote_from_window();
    protect_no_more_than_allowed();
    begin_decision();
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    if (EntryNode* const victim = choose_victim(); victim != nullptr) {
      take_out(*victim);
      order[written++] = victim;
    }
    for (internal::NodeList* const part : {&probation_, &window_, &protected_}) {
      written += part->hand_over(order.subspan(written));
    }
    for (EntryNode* node : order) node->flags = 0;
    begin_decision();
    tracked_ = 0;
    window_cost_ = probation_cost_ = protected_cost_ = 0;
    is_full_ = false;
    sketch_.clear();
    counts_uses_ = !capacity_.in_weight;
    start_climbing();
  }

  // The newest make up the window. Of the others, what was hit is protected, the newest of it
  // first. Uses are counted as far as the entries remember them.
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    tracked_ = order.size();
    counts_uses_ = true;
    fit_sketch();
    const std::uint32_t now = order.empty() ? 0 : order.back()->accessed_at;
    if (options_.adaptive) open_window(order, now);
    std::uint64_t window = window_limit_;
    std::uint64_t protect = protected_limit_;
    for (std::size_t at = order.size(); at > 0; --at) {
      EntryNode& node = *order[at - 1];
      sketch_.count(node.hash, uses_lately(node, now));
      const std::uint64_t cost = capacity_.cost(node);
      node.flags = kProbation;
      if (cost <= window) {
        window -= cost;
        node.flags = kWindow;
        continue;
      }
      window = 0;  // What is older than one that does not fit stays out, too.
      if (node.visits > 0 && cost <= protect) {
        protect -= cost;
        node.flags = kProtected;
      }
    }
    for (EntryNode* node : order) place(*node, node->flags);
  }

 private:
  /// What the sketch would say of `node`, had it counted its uses all along: uses fade as time goes
  /// by. Counted in full, those of many entries would bring a halving in the middle of a swap, to
  /// the disadvantage of the entries counted before it.
  [[nodiscard]] std::uint32_t uses_lately(const EntryNode& node, std::uint32_t now) const noexcept {
    const double uses = node.visits + 1.0;
    const double life = static_cast<double>(now - node.inserted_at) + 1;
    const double reach = kReach * static_cast<double>(sketch_.entries());
    const double lately = std::round(life > reach ? uses * reach / life : uses);
    return static_cast<std::uint32_t>(std::clamp<double>(lately, 1, kMostUsesTakenOver));
  }

  /// Opens the window as far as newcomers are hit soon, which the climber would take long to find
  /// out. Entries that a restart has brought back arrived when they were used last: none tells.
  void open_window(std::span<EntryNode* const> order, std::uint32_t now) noexcept {
    std::uint64_t newcomers = 0;
    std::uint64_t hit = 0;
    for (const EntryNode* node : order) {
      if (now - node->inserted_at >= order.size()) continue;
      ++newcomers;
      if (node->accessed_at != node->inserted_at) ++hit;
    }
    const auto of =
        static_cast<double>(std::max(newcomers, order.size() / kFewNewcomers + kFewNewcomers));
    const double share = std::min(kWidestAtFirst, 2 * static_cast<double>(hit) / of);
    const std::uint64_t both = window_limit_ + protected_limit_;
    const std::uint64_t wanted = internal::share_of(capacity_.amount, share);
    window_limit_ = std::max(window_limit_, std::min(both, wanted));
    protected_limit_ = both - window_limit_;
  }

  [[nodiscard]] internal::NodeList& segment(std::uint8_t where) noexcept {
    if (where == kWindow) return window_;
    return where == kProtected ? protected_ : probation_;
  }
  /// What the entries there take of the capacity.
  [[nodiscard]] std::uint64_t& cost_of_segment(std::uint8_t where) noexcept {
    if (where == kWindow) return window_cost_;
    return where == kProtected ? protected_cost_ : probation_cost_;
  }

  void place(EntryNode& node, std::uint8_t where) noexcept {
    node.flags = where;
    segment(where).push_newest(node);
    cost_of_segment(where) += capacity_.cost(node);
  }

  void take_out(EntryNode& node) noexcept {
    segment(node.flags).remove(node);
    cost_of_segment(node.flags) -= capacity_.cost(node);
  }

  void move(EntryNode& node, std::uint8_t where) noexcept {
    take_out(node);
    place(node, where);
  }

  void use(EntryNode& node) noexcept {
    chosen_ = nullptr;
    if (candidate_ == &node) candidate_ = nullptr;
    if (node.flags != kProbation) {
      segment(node.flags).move_to_newest(node);
    } else if (capacity_.cost(node) > protected_limit_) {
      probation_.move_to_newest(node);
    } else {
      move(node, kProtected);
      protect_no_more_than_allowed();
    }
  }

  void protect_no_more_than_allowed() noexcept {
    while (protected_cost_ > protected_limit_) move(*protected_.oldest(), kProbation);
  }

  void begin_decision() noexcept {
    chosen_ = nullptr;
    candidate_ = nullptr;
    has_searched_window_ = false;
  }

  void demote_from_window() noexcept {
    EntryNode& node = *window_.oldest();
    move(node, kProbation);
    if (candidate_ == nullptr) candidate_ = &node;
  }

  [[nodiscard]] EntryNode* decide() noexcept {
    const std::uint64_t arriving = arrives_ ? arriving_cost_ : 0;
    while (!window_.empty() &&
           (window_cost_ > window_limit_ || arriving > window_limit_ - window_cost_)) {
      demote_from_window();
    }
    if (candidate_ == nullptr && !has_searched_window_) {
      candidate_ = window_.oldest();
      has_searched_window_ = true;
    }
    EntryNode* const victim = probation_.oldest();
    if (candidate_ == nullptr) {
      if (victim != nullptr) return victim;
      return protected_.empty() ? window_.oldest() : protected_.oldest();
    }
    if (victim == nullptr || victim == candidate_) return candidate_;
    return is_let_in(*candidate_, *victim) ? victim : candidate_;
  }

  [[nodiscard]] bool is_let_in(const EntryNode& candidate, const EntryNode& victim) noexcept {
    const std::uint32_t uses = sketch_.estimate(candidate.hash);
    if (uses > sketch_.estimate(victim.hash)) return true;
    return uses >= kOftenUsed && random() % kOneIn == 0;
  }

  /// xorshift64; the same in every run.
  [[nodiscard]] std::uint64_t random() noexcept {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    return random_ >> 32U;
  }

  void access(EntryNode& node, std::uint32_t hits) noexcept {
    count_use(node, hits);
    use(node);
    climb(true, hits);
  }

  void count_use(const EntryNode& node, std::uint32_t uses) noexcept {
    if (counts_uses_) sketch_.count(node.hash, uses);
  }

  /// A capacity in weight does not say for how many entries. Half full, the cache does; and what
  /// was used while there was room for everything says little about what to keep.
  void fit_sketch() noexcept {
    if (!counts_uses_) {
      counts_uses_ = window_cost_ + probation_cost_ + protected_cost_ >= capacity_.amount / 2;
    }
    if (!counts_uses_ || tracked_ <= sketch_.entries()) return;
    try {
      sketch_.reserve(tracked_ + tracked_ / 2);
    } catch (const std::bad_alloc&) {
      return;  // It goes on with more collisions: estimates that are too high.
    }
  }

  void start_climbing() noexcept {
    const std::uint64_t window = std::max<std::uint64_t>(
        1, capacity_.amount -
               std::min(capacity_.amount,
                        internal::share_of(capacity_.amount, 1 - options_.window_share)));
    window_limit_ = std::min(window, capacity_.amount);
    window_rest_ = 0;
    const std::uint64_t main = capacity_.amount - window_limit_;
    protected_limit_ = std::min(main, internal::share_of(main, options_.protected_share));
    climber_ =
        internal::WindowClimber(options_.by_correlation ? internal::WindowClimber::Way::correlation
                                                        : internal::WindowClimber::Way::simple,
                                static_cast<double>(capacity_.amount));
  }

  void climb(bool is_hit, std::uint32_t requests) noexcept {
    if (!options_.adaptive || !is_full_) return;
    climber_.count(is_hit, requests);
    if (climber_.is_due(tracked_)) change_window(climber_.step());
  }

  void change_window(double by) noexcept {
    const double most = static_cast<double>(by > 0 ? protected_limit_ : window_limit_);
    const double size =
        static_cast<double>(window_limit_) + window_rest_ + std::clamp(by, -most, most);
    const double whole = std::max(0.0, std::floor(size));
    window_rest_ = std::max(0.0, size - whole);
    const std::uint64_t both = window_limit_ + protected_limit_;
    window_limit_ = std::min(both, static_cast<std::uint64_t>(whole));
    protected_limit_ = both - window_limit_;
    begin_decision();
    protect_no_more_than_allowed();
    while (by > 0 && !probation_.empty() && window_cost_ < window_limit_ &&
           capacity_.cost(*probation_.oldest()) <= window_limit_ - window_cost_) {
      move(*probation_.oldest(), kWindow);
    }
    while (window_cost_ > window_limit_) {
      EntryNode& node = *window_.oldest();
      take_out(node);
      node.flags = kProbation;
      probation_cost_ += capacity_.cost(node);
      probation_.push_oldest(node);
    }
  }

  WTinyLfuOptions options_;
  StrategyCapacity capacity_;
  internal::FrequencySketch sketch_;
  internal::WindowClimber climber_;
  internal::NodeList window_, probation_, protected_;
  std::uint64_t tracked_ = 0;
  std::uint64_t window_cost_ = 0, probation_cost_ = 0, protected_cost_ = 0;
  std::uint64_t window_limit_ = 1;
  double window_rest_ = 0;  // What the climber has asked for beyond a whole unit.
  std::uint64_t protected_limit_ = 0;
  bool counts_uses_ = false;
  bool is_full_ = false;            // Something was evicted since there was room.
  EntryNode* candidate_ = nullptr;  // Left the window, or is its oldest, and is to be weighed.
  bool has_searched_window_ = false;
  bool has_candidate_left_ = false;
  EntryNode* chosen_ = nullptr;  // The answer, as long as nothing happens.
  bool arrives_ = false;
  std::uint64_t arriving_hash_ = 0;
  std::uint64_t arriving_cost_ = 0;
  std::uint64_t random_ = 0x9E37'79B9'7F4A'7C15U;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_wtinylfu(const WTinyLfuOptions& options) {
  internal::check_option("wtinylfu", "window_share", options.window_share, 0, 1);
  internal::check_option("wtinylfu", "protected_share", options.protected_share, 0, 1);
  return std::make_unique<WTinyLfu>(options);
}

}  // namespace tarmac
