#include "queue_models.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <utility>

namespace tarmac {
namespace {

/// Keys with a number each, the oldest first. Nothing here is faster than linear.
struct Item {
  Key key;
  int hits = 0;
};
using Line = std::deque<Item>;

Line::iterator find(Line& line, Key key) { return std::ranges::find(line, key, &Item::key); }
bool holds(Line& line, Key key) { return find(line, key) != line.end(); }
bool take_out(Line& line, Key key) {
  const auto found = find(line, key);
  if (found == line.end()) return false;
  line.erase(found);
  return true;
}
Item pop_oldest(Line& line) {
  const Item item = line.front();
  line.pop_front();
  return item;
}
void remember(Line& ghosts, Key key, std::size_t most) {
  ghosts.push_back({key});
  while (ghosts.size() > most) ghosts.pop_front();
}
bool count_hit(Line& line, Key key) {
  const auto found = find(line, key);
  if (found == line.end()) return false;
  ++found->hits;
  return true;
}

class ClockModel final : public QueueModel {
 public:
  ClockModel(std::size_t capacity, int most_rounds)
      : capacity_(capacity), most_rounds_(most_rounds) {}

  bool request(Key key) override {
    if (const auto found = find(line_, key); found != line_.end()) {
      found->hits = std::min(found->hits + 1, most_rounds_);
      return true;
    }
    while (line_.size() == capacity_) {
      Item item = pop_oldest(line_);
      if (item.hits-- > 0) line_.push_back(item);
    }
    line_.push_back({key});
    return false;
  }

 private:
  std::size_t capacity_;
  int most_rounds_;
  Line line_;
};

class SieveModel final : public QueueModel {
 public:
  explicit SieveModel(std::size_t capacity) : capacity_(capacity) {}

  bool request(Key key) override {
    if (count_hit(line_, key)) return true;
    if (line_.size() == capacity_) {
      if (hand_ == line_.size()) hand_ = 0;
      while (line_[hand_].hits > 0) {
        line_[hand_].hits = 0;
        hand_ = (hand_ + 1) % line_.size();
      }
      const bool was_newest = hand_ + 1 == line_.size();
      line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(hand_));
      if (was_newest) hand_ = 0;
    }
    line_.push_back({key});
    return false;
  }

 private:
  std::size_t capacity_;
  Line line_;
  std::size_t hand_ = 0;
};

class S3FifoModel final : public QueueModel {
 public:
  S3FifoModel(std::size_t capacity, int threshold)
      : capacity_(capacity),
        main_share_(capacity - std::max<std::size_t>(1, capacity / 10)),
        most_ghosts_(capacity * 9 / 10),
        threshold_(threshold) {}

  bool request(Key key) override {
    if (count_hit(small_, key) || count_hit(main_, key)) return true;
    const bool came_back = take_out(ghosts_, key);
    while (small_.size() + main_.size() == capacity_) {
      if (main_.size() > main_share_ || small_.empty()) {
        evict_from_main();
      } else {
        evict_from_small();
      }
    }
    (came_back ? main_ : small_).push_back({key});
    return false;
  }

 private:
  void evict_from_small() {
    while (!small_.empty()) {
      const Item item = pop_oldest(small_);
      if (item.hits < threshold_) return remember(ghosts_, item.key, most_ghosts_);
      main_.push_back({item.key});
    }
  }
  void evict_from_main() {
    while (!main_.empty()) {
      Item item = pop_oldest(main_);
      if (item.hits == 0) return;
      item.hits = std::min(item.hits, 3) - 1;
      main_.push_back(item);
    }
  }

  std::size_t capacity_;
  std::size_t main_share_;
  std::size_t most_ghosts_;
  int threshold_;
  Line small_;
  Line main_;
  Line ghosts_;
};

class SlruModel final : public QueueModel {
 public:
  explicit SlruModel(std::vector<std::size_t> shares)
      : shares_(std::move(shares)), segments_(shares_.size()) {}

  bool request(Key key) override {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      if (take_out(segments_[i], key)) return lift(i, key);
    }
    std::size_t place = 0;
    while (place < shares_.size() && segments_[place].size() == shares_[place]) ++place;
    if (place == shares_.size()) {
      segments_[0].pop_front();
      place = 0;
    }
    segments_[place].push_back({key});
    return false;
  }

 private:
  bool lift(std::size_t from, Key key) {
    const std::size_t to = std::min(from + 1, shares_.size() - 1);
    segments_[to].push_back({key});
    for (std::size_t i = to; i > 0 && segments_[i].size() > shares_[i]; --i) {
      segments_[i - 1].push_back(pop_oldest(segments_[i]));
    }
    return true;
  }

  std::vector<std::size_t> shares_;
  std::vector<Line> segments_;
};

class TwoQModel final : public QueueModel {
 public:
  explicit TwoQModel(std::size_t capacity) : capacity_(capacity) {}

  bool request(Key key) override {
    if (holds(in_, key)) return true;
    if (take_out(main_, key)) {
      main_.push_back({key});
      return true;
    }
    const bool came_back = take_out(out_, key);
    if (in_.size() + main_.size() == capacity_) {
      if (in_.size() > capacity_ / 4 || main_.empty()) {
        remember(out_, pop_oldest(in_).key, capacity_ / 2);
      } else {
        main_.pop_front();
      }
    }
    (came_back ? main_ : in_).push_back({key});
    return false;
  }

 private:
  std::size_t capacity_;
  Line in_;
  Line main_;
  Line out_;
};

/// Step by step as the paper's figure 4.
class ArcModel final : public QueueModel {
 public:
  explicit ArcModel(std::size_t capacity) : c_(capacity) {}

  bool request(Key key) override {
    if (take_out(t1_, key) || take_out(t2_, key)) {
      t2_.push_back({key});
      return true;
    }
    const auto b1 = static_cast<double>(b1_.size());
    const auto b2 = static_cast<double>(b2_.size());
    if (take_out(b1_, key)) {
      p_ = std::min(p_ + std::max(b2 / b1, 1.0), static_cast<double>(c_));
      replace(false);
      t2_.push_back({key});
    } else if (take_out(b2_, key)) {
      p_ = std::max(p_ - std::max(b1 / b2, 1.0), 0.0);
      replace(true);
      t2_.push_back({key});
    } else {
      make_room_for_unknown();
      t1_.push_back({key});
    }
    return false;
  }

 private:
  void make_room_for_unknown() {
    const std::size_t l1 = t1_.size() + b1_.size();
    const std::size_t all = l1 + t2_.size() + b2_.size();
    if (l1 == c_) {
      if (t1_.size() < c_) {
        b1_.pop_front();
        replace(false);
      } else {
        t1_.pop_front();
      }
    } else if (all >= c_) {
      if (all == 2 * c_) b2_.pop_front();
      replace(false);
    }
  }

  void replace(bool from_b2) {
    if (t1_.size() + t2_.size() < c_) return;
    const auto t1 = static_cast<double>(t1_.size());
    if (!t1_.empty() && (t1 > p_ || (from_b2 && t1 == p_) || t2_.empty())) {
      b1_.push_back(pop_oldest(t1_));
    } else {
      b2_.push_back(pop_oldest(t2_));
    }
  }

  std::size_t c_;
  double p_ = 0;
  Line t1_, t2_, b1_, b2_;
};

class GdsfModel final : public QueueModel {
 public:
  explicit GdsfModel(std::size_t capacity) : capacity_(capacity) {}

  bool request(Key key) override {
    ++now_;
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      Entry& entry = found->second;
      ++entry.uses;
      entry.priority = inflation_ + entry.uses;
      entry.used_at = now_;
      return true;
    }
    if (entries_.size() == capacity_) {
      const auto lowest = std::ranges::min_element(entries_, [](const auto& a, const auto& b) {
        return std::pair(a.second.priority, a.second.used_at) <
               std::pair(b.second.priority, b.second.used_at);
      });
      inflation_ = lowest->second.priority;
      entries_.erase(lowest);
    }
    entries_[key] = {1, inflation_ + 1, now_};
    return false;
  }

 private:
  struct Entry {
    std::uint64_t uses;
    std::uint64_t priority;
    std::uint64_t used_at;
  };
  std::size_t capacity_;
  std::map<Key, Entry> entries_;
  std::uint64_t inflation_ = 0;
  std::uint64_t now_ = 0;
};

}  // namespace

std::unique_ptr<QueueModel> clock_model(std::size_t capacity, int most_rounds) {
  return std::make_unique<ClockModel>(capacity, most_rounds);
}
std::unique_ptr<QueueModel> sieve_model(std::size_t capacity) {
  return std::make_unique<SieveModel>(capacity);
}
std::unique_ptr<QueueModel> s3fifo_model(std::size_t capacity, int threshold) {
  return std::make_unique<S3FifoModel>(capacity, threshold);
}
std::unique_ptr<QueueModel> slru_model(std::vector<std::size_t> shares) {
  return std::make_unique<SlruModel>(std::move(shares));
}
std::unique_ptr<QueueModel> two_q_model(std::size_t capacity) {
  return std::make_unique<TwoQModel>(capacity);
}
std::unique_ptr<QueueModel> arc_model(std::size_t capacity) {
  return std::make_unique<ArcModel>(capacity);
}
std::unique_ptr<QueueModel> gdsf_model(std::size_t capacity) {
  return std::make_unique<GdsfModel>(capacity);
}

}  // namespace tarmac
