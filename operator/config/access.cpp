#include "operator/config/access.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace rop::config {
namespace {

constexpr std::size_t secret_bytes_max = 4096;

/// What tells one content of a file from the next without reading it.
struct Stamp {
    std::int64_t changed_ns = 0;
    std::int64_t size = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
};

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

Error cannot_read(const std::string& path, const std::string& why) {
    return Error{ErrorKind::rejected, "the password file " + path + " cannot be read: " + why +
                                          "; it must exist and be readable by the operator"};
}

Stamp stamp_of(const struct stat& seen) {
    return Stamp{std::int64_t{seen.st_mtim.tv_sec} * 1'000'000'000 + seen.st_mtim.tv_nsec,
                 seen.st_size, seen.st_ino};
}

/// One trailing newline is the editor's, not the password's.
Result<std::string> password_of(std::string text, const std::string& where) {
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (text.empty()) {
        return Error{ErrorKind::rejected, where + " is empty; it must hold the password"};
    }
    return text;
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

bool is_own_variable(std::string_view name) {
    constexpr std::array<std::string_view, 5> prefixes{"CONSUL_", "NOMAD_", "VAULT_", "AWS_",
                                                       "REDIS_OPERATOR_"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

Error not_a_password(const std::string& where) {
    return Error{ErrorKind::rejected,
                 where +
                     " may be the operator's own secret and is never sent to a Redis server; "
                     "use a file or a variable that is for this password alone"};
}

Result<std::string> read_file(const std::string& path,
                              const std::vector<std::string>& token_files) {
    if (shows_the_system(path)) {
        return not_a_password("the file " + path);
    }
    const OpenFile file(path);
    if (file.descriptor < 0) {
        return cannot_read(path, std::strerror(errno));
    }
    if (is_of_the_system(file.descriptor) || is_one_of(file.descriptor, token_files)) {
        return not_a_password("the file " + path);
    }
    std::string text;
    std::array<char, secret_bytes_max> buffer{};
    for (;;) {
        const ssize_t count = read(file.descriptor, buffer.data(), buffer.size());
        if (count < 0) {
            return cannot_read(path, std::strerror(errno));
        }
        if (count == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > secret_bytes_max) {
            return cannot_read(path, "it is larger than 4 KiB");
        }
    }
}

}  // namespace

struct SecretReader::Impl {
    struct Cached {
        AuthSpec auth;
        Stamp stamp;
        std::shared_ptr<const ports::Access> access;
    };

    Result<std::string> read(const SecretRef& from, Stamp& stamp) const {
        switch (from.kind) {
            case SecretRef::Kind::file: {
                struct stat seen {};
                if (stat(from.where.c_str(), &seen) == 0) {
                    stamp = stamp_of(seen);
                }
                ROP_TRY(std::string text, read_file(from.where, token_files));
                return password_of(std::move(text), "the password file " + from.where);
            }
            case SecretRef::Kind::env: {
                if (is_own_variable(from.where)) {
                    return not_a_password("the environment variable " + from.where);
                }
                const auto found = environment.find(from.where);
                if (found == environment.end()) {
                    return Error{ErrorKind::rejected,
                                 "the environment variable " + from.where +
                                     ", which the spec names for the password, is not set for "
                                     "the operator"};
                }
                return password_of(found->second, "the environment variable " + from.where);
            }
            case SecretRef::Kind::nomad_variable:
                return not_served("nomadVariable", from.where);
            case SecretRef::Kind::consul_key:
                return not_served("consulKey", from.where);
        }
        return not_served("password", from.where);
    }

    static Error not_served(const std::string& kind, const std::string& where) {
        return Error{ErrorKind::rejected, "a password from " + kind + " (" + where +
                                              ") is not supported yet; use file or env"};
    }

    /// Null when it must be read.
    std::shared_ptr<const ports::Access> cached(const ClusterName& name,
                                                const AuthSpec& auth) const {
        const auto known = cache.find(name);
        if (known == cache.end() || known->second.auth != auth) {
            return nullptr;
        }
        if (auth.password.kind == SecretRef::Kind::file) {
            struct stat seen {};
            if (stat(auth.password.where.c_str(), &seen) != 0 ||
                stamp_of(seen) != known->second.stamp) {
                return nullptr;
            }
        }
        return known->second.access;
    }

    std::map<std::string, std::string> environment;
    std::vector<std::string> token_files;
    std::map<ClusterName, Cached> cache;
};

SecretReader::SecretReader(std::map<std::string, std::string> environment,
                           std::vector<std::string> token_files)
    : impl_(std::make_unique<Impl>()) {
    impl_->environment = std::move(environment);
    impl_->token_files = std::move(token_files);
}
SecretReader::~SecretReader() = default;
SecretReader::SecretReader(SecretReader&&) noexcept = default;
SecretReader& SecretReader::operator=(SecretReader&&) noexcept = default;

Result<std::shared_ptr<const ports::Access>> SecretReader::access(const ClusterSpec& spec) {
    if (spec.tls.enabled) {
        // Going on without TLS would show the password to everybody on the way.
        return Error{ErrorKind::rejected, "tls.enabled: TLS to Redis is not supported yet"};
    }
    if (!spec.auth) {
        return std::shared_ptr<const ports::Access>{};
    }
    if (auto known = impl_->cached(spec.name, *spec.auth)) {
        return known;
    }
    Stamp stamp;
    ROP_TRY(std::string password, impl_->read(spec.auth->password, stamp));
    const auto access = std::make_shared<const ports::Access>(
        ports::Access{.username = spec.auth->username, .password = std::move(password)});
    impl_->cache[spec.name] = Impl::Cached{.auth = *spec.auth, .stamp = stamp, .access = access};
    return access;
}

}  // namespace rop::config
