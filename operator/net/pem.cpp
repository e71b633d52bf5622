#include "operator/net/pem.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

namespace rop::net {
namespace {

constexpr std::size_t file_bytes_max = 4U * 1024 * 1024;  // A system's bundle has 200 KB.
constexpr std::size_t folder_files_max = 1'000;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Error unfit(const std::string& what, const std::string& path, const std::string& why) {
    return Error{ErrorKind::rejected, what + " " + path + " " + why};
}

Result<std::string> read_whole(const std::string& what, const std::string& path) {
    // Not blocked by a pipe that nobody writes to.
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return unfit(what, path, std::string("cannot be read: ") + std::strerror(errno));
    }
    std::string text;
    std::array<char, 16384> buffer{};
    ssize_t count = read(file, buffer.data(), buffer.size());
    for (; count > 0 && text.size() <= file_bytes_max;
         count = read(file, buffer.data(), buffer.size())) {
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    const int failure = errno;
    close(file);
    if (count < 0) {
        return unfit(what, path, std::string("cannot be read: ") + std::strerror(failure));
    }
    if (text.size() > file_bytes_max) {
        return unfit(what, path, "is larger than 4 MiB: it holds something else");
    }
    return text;
}

Bio memory_of(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

/// Nobody is there to be asked for a passphrase.
int no_passphrase(char* /*to*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return -1;
}

}  // namespace

Result<std::vector<std::shared_ptr<x509_st>>> read_certificates(const std::string& what,
                                                                const std::string& path) {
    ROP_TRY(const std::string text, read_whole(what, path));
    const Bio memory = memory_of(text);
    std::vector<std::shared_ptr<x509_st>> found;
    ERR_clear_error();
    while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, &no_passphrase, nullptr)) {
        found.emplace_back(next, &X509_free);
    }
    const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!is_at_end) {
        return unfit(what, path,
                     "is damaged: certificate " + std::to_string(found.size() + 1) +
                         " in it cannot be read");
    }
    if (found.empty()) {
        return unfit(what, path,
                     "holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----");
    }
    return found;
}

Result<std::vector<std::shared_ptr<x509_st>>> read_folder(const std::string& path) {
    std::error_code failure;
    std::vector<std::string> names;
    for (auto at = std::filesystem::recursive_directory_iterator(path, failure);
         !failure && at != std::filesystem::recursive_directory_iterator(); at.increment(failure)) {
        if (!at->is_directory(failure) && names.size() < folder_files_max) {
            names.push_back(at->path().string());
        }
    }
    if (failure) {
        return unfit("the CA folder", path, "cannot be read: " + failure.message());
    }
    std::sort(names.begin(), names.end());
    std::vector<std::shared_ptr<x509_st>> all;
    for (const auto& name : names) {
        ROP_TRY(auto found, read_certificates("the CA file", name));
        all.insert(all.end(), found.begin(), found.end());
    }
    if (all.empty()) {
        return unfit("the CA folder", path, "holds no file; it must hold certificates in PEM");
    }
    return all;
}

Result<std::shared_ptr<evp_pkey_st>> read_key(const std::string& path) {
    const std::string what = "the key file";
    ROP_TRY(std::string text, read_whole(what, path));
    Bio memory = memory_of(text);
    ERR_clear_error();
    EVP_PKEY* key = PEM_read_bio_PrivateKey(memory.get(), nullptr, &no_passphrase, nullptr);
    const bool is_encrypted = text.find("ENCRYPTED") != std::string::npos;
    memory.reset();
    OPENSSL_cleanse(text.data(), text.size());
    ERR_clear_error();
    if (key == nullptr && is_encrypted) {
        return unfit(what, path,
                     "is encrypted; it must be without a passphrase, and readable by "
                     "this user alone");
    }
    if (key == nullptr) {
        return unfit(what, path,
                     "holds no private key; it must be PEM, with -----BEGIN PRIVATE KEY-----");
    }
    return std::shared_ptr<evp_pkey_st>(key, &EVP_PKEY_free);
}

}  // namespace rop::net
