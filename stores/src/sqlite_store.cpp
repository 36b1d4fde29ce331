#include <sys/stat.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/sqlite_store.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <system_error>
#include <utility>

#include "posix_file.h"
#include "sqlite_connection.h"
#include "sqlite_upsert.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::RowView;
using internal::SqliteConnection;
using internal::SqliteRefusals;
using internal::SqliteRow;
using internal::SqliteStatement;
using internal::SqliteTransaction;
using internal::SqliteUpsert;

// "trmc", by which `file` and others tell whose database this is.
constexpr std::int64_t kApplication = 0x74726d63;
constexpr std::int64_t kSchemaVersion = 1;
constexpr std::uint64_t kStampMax = std::numeric_limits<std::int64_t>::max();
// How many removals more than the bound wait until the oldest are forgotten, all at once.
constexpr std::uint64_t kRemovalsBetweenCleanings = 8'192;

// A row without a value is a removal that is remembered.
constexpr const char* kSchema =
    "CREATE TABLE entries(key BLOB NOT NULL PRIMARY KEY, value BLOB, stamp INTEGER NOT NULL,"
    " expires_at INTEGER, checksum INTEGER NOT NULL);"
    "CREATE INDEX removals ON entries(stamp) WHERE value IS NULL;"
    "PRAGMA application_id=1953656163; PRAGMA user_version=1;";
constexpr std::string_view kSelectAll = "SELECT key,value,stamp,expires_at,checksum FROM entries";
constexpr std::string_view kSelectOne =
    "SELECT key,value,stamp,expires_at,checksum FROM entries WHERE key=?1";
constexpr std::string_view kForgetRemovals =
    "DELETE FROM entries WHERE value IS NULL AND stamp<=(SELECT stamp FROM entries"
    " WHERE value IS NULL ORDER BY stamp DESC LIMIT 1 OFFSET ?1)";

/// The row a statement stands on, its checksum verified.
RowView row_at(const SqliteStatement& row, const std::filesystem::path& path) {
  RowView view;
  view.key = row.bytes(0);
  if (!row.is_null(1)) view.value = row.bytes(1);
  view.stamp = static_cast<std::uint64_t>(row.number(2));
  if (!row.is_null(3)) view.expires_at = row.number(3);
  if (static_cast<std::uint64_t>(row.number(4)) == internal::checksum_of(view)) return view;
  throw StoreError("store database " + path.string() + ": the row of key " +
                   internal::shown_key(view.key) +
                   " is damaged: its checksum does not fit; write the key again, or bring back a "
                   "copy of the file");
}

/// Of writes that the table has room for; the others are refused.
std::vector<SqliteRow> rows_of(std::span<const StoreWrite> batch, SqliteRefusals& refusals) {
  std::vector<SqliteRow> rows;
  rows.reserve(batch.size());
  for (const auto& one : batch) {
    if (one.stamp <= kStampMax) {
      rows.emplace_back(RowView{one.key, one.value, one.stamp, one.expires_at});
      continue;
    }
    refusals.keys.push_back(one.key);
    refusals.reason = "store \"sqlite\": the stamp of key " + internal::shown_key(one.key) +
                      " is larger than 2^63 - 1";
  }
  return rows;
}

/// Makes an empty file that only its owner may read; SQLite gives its mode to the files beside it.
void make_private_file(const std::filesystem::path& path) {
  // No descriptor: closing one would drop the locks that this process has on the file.
  if (::mknod(path.c_str(), S_IFREG | 0600, 0) == 0 || errno == EEXIST) return;
  throw StoreError("store database " + path.string() +
                   ": make it: " + std::generic_category().message(errno));
}

/// Makes the tables of a new database, and refuses one that is not ours.
void prepare_database(const SqliteConnection& connection, const std::filesystem::path& path) {
  connection.execute("PRAGMA synchronous=FULL");
  // For what a statement may have to undo: no other disk has to have room for it.
  connection.execute("PRAGMA temp_store=MEMORY");
  if (connection.ask("PRAGMA application_id") != kApplication) {
    // Others may be here for the same; the first makes the tables.
    SqliteTransaction transaction(connection, "BEGIN IMMEDIATE");
    if (connection.ask("SELECT count(*) FROM sqlite_schema") == 0 &&
        connection.ask("PRAGMA application_id") == 0) {
      connection.execute(kSchema);
    }
    transaction.commit();
  }
  if (connection.ask("PRAGMA application_id") != kApplication) {
    throw StoreError("store database " + path.string() +
                     " belongs to another program; choose another path");
  }
  const auto version = connection.ask("PRAGMA user_version");
  if (version != kSchemaVersion) {
    throw StoreError("store database " + path.string() + " has version " + std::to_string(version) +
                     ", and this program knows 1: use the program that "
                     "wrote it");
  }
  connection.execute("PRAGMA journal_mode=WAL");
}

/// The content at the moment it was made: a connection in the midst of reading.
class SqliteImage final : public StoreImage {
 public:
  SqliteImage(const BackingStore* store, const SqliteStoreOptions& options)
      : store_(store),
        connection_(options.path, options.busy_limit),
        transaction_(connection_, "BEGIN") {
    // Only a first look ties the transaction to a moment.
    static_cast<void>(connection_.ask("SELECT count(*) FROM (SELECT 1 FROM entries LIMIT 1)"));
  }

  [[nodiscard]] const BackingStore* store() const noexcept { return store_; }

  template <class Visit>
  void for_each_row(const std::filesystem::path& path, const Visit& visit) const {
    const std::lock_guard lock(mutex_);
    const auto rows = connection_.prepare(kSelectAll);
    while (rows.step()) visit(row_at(rows, path));
  }

 private:
  /// For the check in put_back() only; never followed.
  const BackingStore* store_;
  mutable std::mutex mutex_;
  SqliteConnection connection_;
  SqliteTransaction transaction_;
};

/// The connection of writers, with its statements.
struct Writer {
  explicit Writer(const SqliteStoreOptions& options)
      : connection(options.path, options.busy_limit) {
    prepare_database(connection, options.path);
    upsert = SqliteUpsert(connection);
    forget = connection.prepare(kForgetRemovals);
  }
  SqliteConnection connection;
  SqliteUpsert upsert;
  SqliteStatement forget;
};

/// The connection of look-ups.
struct Reader {
  explicit Reader(const SqliteStoreOptions& options)
      : connection(options.path, options.busy_limit), select(connection.prepare(kSelectOne)) {}
  SqliteConnection connection;
  SqliteStatement select;
};

class SqliteStore final : public BackingStore {
 public:
  explicit SqliteStore(SqliteStoreOptions options) : options_(std::move(options)) {
    if (options_.path.empty()) throw ConfigError("store \"sqlite\" has no path; add `path: FILE`");
    if (!options_.path.has_filename()) {
      throw ConfigError("store \"sqlite\": the path \"" + options_.path.string() +
                        "\" is a folder; name a file in it");
    }
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "sqlite"; }

  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    open();
    const std::lock_guard lock(reading_);
    return find(key, wall_now);
  }

  [[nodiscard]] std::vector<std::optional<StoredValue>> load_many(std::span<const std::string> keys,
                                                                  WallNanos wall_now) override {
    open();
    std::vector<std::optional<StoredValue>> found;
    found.reserve(keys.size());
    const std::lock_guard lock(reading_);
    // One transaction: all of a batch that another thread writes is seen, or nothing.
    SqliteTransaction transaction(reader_->connection, "BEGIN");
    for (const auto& key : keys) found.push_back(find(key, wall_now));
    transaction.commit();
    return found;
  }

  void write(std::span<const StoreWrite> batch) override {
    if (batch.empty()) return;
    open();
    SqliteRefusals refusals;
    const auto rows = rows_of(batch, refusals);  // Before it is anybody's turn.
    const auto removals = static_cast<std::uint64_t>(
        std::ranges::count_if(rows, [](const SqliteRow& row) { return !row.view.value; }));
    const std::lock_guard lock(writing_);
    SqliteTransaction transaction(writer_->connection, "BEGIN IMMEDIATE");
    writer_->upsert.write(rows, refusals);
    if (!refusals.keys.empty()) {
      throw PermanentStoreError(refusals.reason, std::move(refusals.keys));
    }
    const bool clean = removals_ + removals >= kRemovalsBetweenCleanings;
    if (clean) {
      constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
      writer_->forget.bind(1, static_cast<std::int64_t>(std::min(options_.removals_max, kMost)));
      writer_->forget.run();
    }
    transaction.commit();
    removals_ = clean ? 0 : removals_ + removals;
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    open();
    // A connection of its own: one moment, and no lock is held while `visit` runs.
    const SqliteConnection connection(options_.path, options_.busy_limit);
    const auto rows = connection.prepare(kSelectAll);
    while (rows.step()) {
      const auto row = row_at(rows, options_.path);
      if (!row.value) continue;
      visit(row.key, StoredValue{std::string(*row.value), row.stamp, row.expires_at});
    }
  }

  [[nodiscard]] std::size_t size() override {
    open();
    const std::lock_guard lock(reading_);
    return static_cast<std::size_t>(
        reader_->connection.ask("SELECT (SELECT count(*) FROM entries)-(SELECT count(*) FROM "
                                "entries WHERE value IS NULL)"));
  }

  [[nodiscard]] StoreHealth health() noexcept override {
    try {
      open();
      const std::lock_guard lock(reading_);
      static_cast<void>(reader_->connection.ask("SELECT 1 FROM entries LIMIT 1"));
      return {};
    } catch (const std::exception& error) {
      return {false, error.what()};
    }
  }

  [[nodiscard]] std::shared_ptr<const StoreImage> image() override {
    open();
    return std::make_shared<SqliteImage>(this, options_);
  }

  void put_back(const StoreImage& image) override {
    const auto* mine = dynamic_cast<const SqliteImage*>(&image);
    if (mine == nullptr || mine->store() != this) {
      throw UsageError(
          "put an image back into store \"sqlite\": another store made it; restore a snapshot only "
          "into the cache and store that it was taken from");
    }
    const std::lock_guard lock(writing_);
    SqliteTransaction transaction(writer_->connection, "BEGIN IMMEDIATE");
    writer_->connection.execute("DELETE FROM entries");
    mine->for_each_row(options_.path,
                       [this](const RowView& row) { writer_->upsert.write_one(SqliteRow(row)); });
    transaction.commit();
  }

 private:
  /// Opens the database, if nobody has. A failed attempt leaves nothing open.
  void open() {
    const std::lock_guard lock(opening_);
    if (reader_) return;
    const auto& folder = options_.path.parent_path();
    internal::make_folders(folder);
    make_private_file(options_.path);
    auto writer = std::make_unique<Writer>(options_);
    auto reader = std::make_unique<Reader>(options_);
    writer_ = std::move(writer);
    reader_ = std::move(reader);
  }

  /// Requires: `reading_` is held.
  [[nodiscard]] std::optional<StoredValue> find(std::string_view key, WallNanos wall_now) const {
    const auto& select = reader_->select;
    const Reset reset{select};
    select.bind(1, key);
    if (!select.step()) return std::nullopt;
    const auto row = row_at(select, options_.path);
    if (row.key != key) {  // A row that is sound, and an index that leads to the wrong one.
      throw StoreError("store database " + options_.path.string() +
                       ": its index is damaged, at key " + internal::shown_key(key) +
                       "; bring back a copy of the file, or run REINDEX on it");
    }
    if (!row.value || internal::has_expired(row.expires_at, wall_now)) return std::nullopt;
    return StoredValue{std::string(*row.value), row.stamp, row.expires_at};
  }

  /// A statement that stands on a row keeps its transaction open.
  struct Reset {
    const SqliteStatement& statement;
    ~Reset() { statement.reset(); }
  };

  const SqliteStoreOptions options_;
  /// Guards the making of the two connections; each then has the lock of its users.
  std::mutex opening_;
  std::mutex writing_;
  std::unique_ptr<Writer> writer_;
  std::uint64_t removals_ = 0;
  std::mutex reading_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace

std::shared_ptr<BackingStore> make_sqlite_store(const SqliteStoreOptions& options) {
  auto store = std::make_shared<SqliteStore>(options);
  static_cast<void>(store->size());
  return store;
}

std::unique_ptr<BackingStore> internal::new_sqlite_store(const Parameters& parameters) {
  SqliteStoreOptions options;
  options.path = parameters.get_string("path", "");
  options.busy_limit = std::chrono::duration_cast<std::chrono::milliseconds>(
      parameters.get_duration("busy_limit", options.busy_limit));
  options.removals_max = parameters.get_uint("removals_max", options.removals_max);
  // Before the path is missed: what nobody knows may be the path, misspelt.
  parameters.reject_unknown("backing store \"sqlite\"");
  return std::make_unique<SqliteStore>(std::move(options));
}

}  // namespace tarmac
