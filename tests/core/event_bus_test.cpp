#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/event_bus.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tarmac {
namespace {

using ::testing::ElementsAre;

Event an_event(EventType type) {
  Event event;
  event.type = type;
  return event;
}

class EventBusTest : public ::testing::Test {
 protected:
  EventBus::Slot say(const std::string& word) {
    return [this, word](const Event&) { said_.push_back(word); };
  }
  void emit(EventType type = EventType::entry_set) { bus_->emit(an_event(type)); }

  std::unique_ptr<EventBus> bus_ = std::make_unique<EventBus>();
  std::vector<std::string> said_;
};

TEST_F(EventBusTest, CallsTheSlotsOfATypeInTheOrderOfConnection) {
  const auto a = bus_->connect(EventType::entry_set, say("a"));
  const auto b = bus_->connect(EventType::entry_set, say("b"));
  const auto other = bus_->connect(EventType::entry_deleted, say("other"));
  emit();
  EXPECT_THAT(said_, ElementsAre("a", "b"));
  EXPECT_EQ(bus_->slot_count(), 3U);
}

TEST_F(EventBusTest, DisconnectsWhenTheConnectionGoes) {
  {
    const auto connection = bus_->connect(EventType::entry_set, say("a"));
    EXPECT_TRUE(bus_->has_slots(EventType::entry_set));
    EXPECT_TRUE(connection.connected());
  }
  EXPECT_FALSE(bus_->has_slots(EventType::entry_set));
  emit();
  EXPECT_THAT(said_, ElementsAre());
}

TEST_F(EventBusTest, AMovedConnectionHoldsOnAndTheOneOverwrittenLetsGo) {
  auto first = bus_->connect(EventType::entry_set, say("first"));
  auto second = bus_->connect(EventType::entry_set, say("second"));
  first = std::move(second);
  EXPECT_EQ(bus_->slot_count(), 1U);
  emit();
  EXPECT_THAT(said_, ElementsAre("second"));
  first.disconnect();
  first.disconnect();  // Again does nothing.
  EXPECT_EQ(bus_->slot_count(), 0U);
  EXPECT_FALSE(first.connected());
}

TEST_F(EventBusTest, AReleasedSlotStaysConnected) {
  bus_->connect(EventType::entry_set, say("a")).release();
  emit();
  EXPECT_THAT(said_, ElementsAre("a"));
}

TEST_F(EventBusTest, AConnectionMayOutliveTheBus) {
  auto connection = bus_->connect(EventType::entry_set, say("a"));
  bus_.reset();
  EXPECT_FALSE(connection.connected());
  connection.disconnect();
}

TEST_F(EventBusTest, AThrowingSlotHarmsNobodyAndIsTold) {  // trap E2
  std::vector<std::string> errors;
  const auto before = bus_->connect(EventType::entry_set, say("before"));
  const auto bad =
      bus_->connect(EventType::entry_set, [](const Event&) { throw std::runtime_error("no"); });
  const auto worse = bus_->connect(EventType::entry_set, [](const Event&) { throw 7; });
  const auto after = bus_->connect(EventType::entry_set, say("after"));
  const auto told = bus_->connect(EventType::observer_error, [&errors](const Event& event) {
    errors.push_back(std::string(event.detail) + " " + std::to_string(event.count));
    throw std::runtime_error("me too");  // Must not call itself for ever.
  });
  emit();
  EXPECT_THAT(said_, ElementsAre("before", "after"));
  EXPECT_THAT(errors, ElementsAre("entry_set 2"));
  EXPECT_EQ(bus_->slot_failures(), 3U);
}

TEST_F(EventBusTest, ASlotMayDisconnectItselfAndAnother) {  // trap E3
  EventConnection self;
  EventConnection other;
  self = bus_->connect(EventType::entry_set, [&](const Event&) {
    said_.emplace_back("self");
    self.disconnect();
    other.disconnect();
  });
  other = bus_->connect(EventType::entry_set, say("other"));
  const auto last = bus_->connect(EventType::entry_set, say("last"));
  emit();
  emit();
  EXPECT_THAT(said_, ElementsAre("self", "last", "last"));
  EXPECT_EQ(bus_->slot_count(), 1U);
}

TEST_F(EventBusTest, ASlotMayConnectAnotherWhichHearsTheNextEvent) {
  EventConnection late;
  const auto first = bus_->connect(EventType::entry_set, [&](const Event&) {
    if (!late.connected()) late = bus_->connect(EventType::entry_set, say("late"));
  });
  emit();
  said_.clear();
  emit();
  EXPECT_THAT(said_, ElementsAre("late"));
}

}  // namespace
}  // namespace tarmac
