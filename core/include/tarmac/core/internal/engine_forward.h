// Names of what the engine passes on without looking into it.
#pragma once

namespace tarmac::internal {

template <class K, class V>
struct BatchWrite;
template <class K, class V>
struct ImageEntry;
template <class K, class V>
struct ShardContent;
template <class K, class V>
struct SnapshotData;

}  // namespace tarmac::internal
