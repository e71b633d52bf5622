#include "operator/config/secret_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace rop::config {
namespace {

struct OpenFile {
    explicit OpenFile(const std::string& path)
        : descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~OpenFile() {
        if (descriptor >= 0) {
            close(descriptor);
        }
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    int descriptor;
};

std::string name_of(const NamedFile& file) {
    return file.what + " " + file.path;
}

Error cannot_read(const NamedFile& file, const std::string& why) {
    return Error{ErrorKind::rejected, name_of(file) + " cannot be read: " + why +
                                          "; it must exist and be readable by the operator"};
}

/// "/proc/self/environ" holds the operator's tokens, "/proc/self/root" leads past any comparison.
bool shows_the_system(const std::string& path) {
    std::string_view rest = path;
    while (rest.starts_with("//")) {
        rest.remove_prefix(1);
    }
    return rest.starts_with("/proc/") || rest.starts_with("/sys/");
}

/// Of what was opened, so that no link leads to what may not be named.
bool is_of_the_system(int descriptor) {
    struct statfs system {};
    return fstatfs(descriptor, &system) != 0 || system.f_type == PROC_SUPER_MAGIC ||
           system.f_type == SYSFS_MAGIC;
}

bool is_one_of(int descriptor, const std::vector<std::string>& paths) {
    struct stat opened {};
    if (fstat(descriptor, &opened) != 0) {
        return true;
    }
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
        struct stat own {};
        return stat(path.c_str(), &own) == 0 && own.st_dev == opened.st_dev &&
               own.st_ino == opened.st_ino;
    });
}

std::string size_text(std::size_t bytes) {
    return std::to_string(bytes / 1024) + " KiB";
}

Result<> check(const NamedFile& file, const OpenFile& opened,
               const std::vector<std::string>& own_files) {
    if (opened.descriptor < 0) {
        return cannot_read(file, std::strerror(errno));
    }
    if (is_of_the_system(opened.descriptor) || is_one_of(opened.descriptor, own_files)) {
        return not_for_redis(name_of(file));
    }
    return ok();
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::string& path) {
    struct stat seen {};
    if (stat(path.c_str(), &seen) != 0) {
        return std::nullopt;
    }
    return FileStamp{std::int64_t{seen.st_mtim.tv_sec} * 1'000'000'000 + seen.st_mtim.tv_nsec,
                     seen.st_size, seen.st_ino};
}

Result<std::string> read_named_file(const NamedFile& file,
                                    const std::vector<std::string>& own_files) {
    if (shows_the_system(file.path)) {
        return not_for_redis(name_of(file));
    }
    const OpenFile opened(file.path);
    ROP_TRY(check(file, opened, own_files));
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = read(opened.descriptor, buffer.data(), buffer.size());
        if (count < 0) {
            return cannot_read(file, std::strerror(errno));
        }
        if (count == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > file.size_max) {
            return cannot_read(file, "it is larger than " + size_text(file.size_max));
        }
    }
}

Result<> check_named_file(const NamedFile& file, const std::vector<std::string>& own_files) {
    if (shows_the_system(file.path)) {
        return not_for_redis(name_of(file));
    }
    return check(file, OpenFile(file.path), own_files);
}

Error not_for_redis(const std::string& what) {
    return Error{ErrorKind::rejected,
                 what +
                     " may be the operator's own secret and is never used for a Redis server; "
                     "name one that is for this cluster alone"};
}

}  // namespace rop::config
