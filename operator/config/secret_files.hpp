#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.hpp"

namespace rop::config {

/// What tells one content of a file from the next without reading it.
struct FileStamp {
    std::int64_t changed_ns = 0;
    std::int64_t size = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Nothing when there is no such file.
[[nodiscard]] std::optional<FileStamp> stamp_of(const std::string& path);

/// A file that a spec names.
struct NamedFile {
    std::string what;  // "the password file": how errors call it.
    std::string path;
    std::size_t size_max = 0;
};

/// Reads it, unless it is one of `own_files` by whatever path or link, or one of /proc or /sys.
/// Errors (rejected) name the file, never what is in it.
[[nodiscard]] Result<std::string> read_named_file(const NamedFile& file,
                                                  const std::vector<std::string>& own_files);

/// Only whether it could be read, by the same rules.
[[nodiscard]] Result<> check_named_file(const NamedFile& file,
                                        const std::vector<std::string>& own_files);

/// May be the operator's own, and is never used for a Redis server.
[[nodiscard]] Error not_for_redis(const std::string& what);

}  // namespace rop::config
