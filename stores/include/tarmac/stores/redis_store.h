// A store in a Redis server or cluster: shared between machines, gone slow or gone away now and
// then.
#pragma once

#include <tarmac/core/backing_store.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace tarmac {

struct RedisStoreOptions {
  /// A name or an address; an address spares the resolver, whose time no limit bounds.
  std::string host = "127.0.0.1";
  std::uint16_t port = 6'379;
  /// If not empty, the server's socket, instead of host and port.
  std::filesystem::path unix_socket;
  /// If not empty, some nodes of a Redis Cluster, `host:port` with commas between them, instead of
  /// host and port: they tell the others. All other settings hold for each node.
  std::string cluster;
  /// Where the password is: the first line of a file, or an environment variable. Read anew for
  /// each connection. Neither is needed; both is refused.
  std::filesystem::path password_file;
  std::string password_env;
  std::uint32_t db = 0;
  /// In front of each key, so that several stores share a server.
  std::string prefix = "tarmac:";
  /// So many at most are open to a server, made when they are needed; a further call waits for its
  /// turn.
  std::uint32_t connections = 4;
  /// How long one call may take in all: waiting for its turn, connecting, sending, and the last
  /// byte of the answer. scan() and size() have as long for each thousand keys.
  std::chrono::nanoseconds call_limit = std::chrono::seconds(1);
  /// After a failure calls fail at once for a while, which doubles with each failure up to the
  /// longest; a random half is left off. Then one call tries again.
  std::chrono::nanoseconds retry_initial = std::chrono::milliseconds(50);
  std::chrono::nanoseconds retry_max = std::chrono::seconds(5);
  /// How long a removal is remembered, so that an older write cannot bring the key back.
  std::chrono::nanoseconds removal_kept = std::chrono::hours(1);
};

/// Makes the store named `redis`. The server need not answer yet.
///
/// - Choose it for: values that several machines share, and servers that are there already.
/// - Avoid it for: values that must survive the server, unless it is set up to keep them.
/// - Cost: one round trip for a look-up or a batch, and for the look-ups of load_many(); two for a
///   batch of 16 writes or more, if they are not large; of a cluster, one to each node that has
///   some of the keys, one node after the other.
/// - Atomicity: a batch is one script on the server, or one transaction that fails if another
///   batch came between it and its look at the stamps. If the connection breaks after it was sent,
///   the batch may have been applied: write() throws, and the same batch may be written again. For
///   a moment within each batch there is the key `__tarmac_batch__` below the prefix, by which
///   batches hear of each other; a write of it is refused. Whoever else writes below the prefix is
///   not heard.
/// - Permissions: PING, SELECT, INFO, SCAN, GET, MGET, GETRANGE, EXISTS, MSET, DEL, PEXPIRE,
///   PEXPIREAT, EVALSHA and EVAL. SCRIPT LOAD, MSETNX, MULTI, EXEC, DISCARD, WATCH and UNWATCH make
///   it faster.
/// - Clusters: a batch is a script for each slot of its keys, and while a slot is being moved one
///   for each key of it. So what is whole is the part of one slot; if write() throws, other parts
///   may have been applied, and the same batch may be written again. A prefix with a `{tag}` puts
///   all keys into one slot, and so on one node.
/// - Expiry: told to the server, which removes the value at its time by its own clock.
/// - Failures: a call takes `call_limit` at most, whatever the server does; no signal is raised. A
///   connection on which anything went wrong is closed. One that was closed while idle is replaced
///   within the call.
/// - Sharing: any number of stores and machines. A value that is not of this store's form, or that
///   does not fit its checksum, is refused with its key.
/// - Thread-safety: up to `connections` calls at once. No images.
/// - Exceptions: ConfigError for what cannot work, otherwise StoreError; never with the password.
[[nodiscard]] std::shared_ptr<BackingStore> make_redis_store(const RedisStoreOptions& options);

namespace internal {
/// The same for a factory of store_registry().
[[nodiscard]] std::unique_ptr<BackingStore> new_redis_store(const Parameters& parameters);
}  // namespace internal

}  // namespace tarmac
