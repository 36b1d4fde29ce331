// RocksDB with its log synced before a write returns.
#include <rocksdb/db.h>

#include <memory>
#include <stdexcept>

#include "durability/cells.h"
#include "durability/writers.h"

namespace tarmac::bench {
namespace {

Findings put_by(int threads, const Ground& ground) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(options, (ground.folder / "rocksdb").string(), &opened);
  if (!status.ok()) throw std::runtime_error("RocksDB: " + status.ToString());
  const std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const auto ops = writes_per_second(threads, ground.seconds, [&](KeyWalk& walk) {
    const auto put = db->Put(synced, durable_key(walk.next()), durable_value());
    if (!put.ok()) throw std::runtime_error("RocksDB: " + put.ToString());
    return 1U;
  });
  return {{"ops", ops}};
}

}  // namespace

Findings rocksdb_alone(const Ground& ground) { return put_by(1, ground); }
Findings rocksdb_by_8(const Ground& ground) { return put_by(8, ground); }

}  // namespace tarmac::bench
