#include "operator/net/tls.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "operator/net/pem.hpp"
#include "operator/net/tls_words.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::net {
namespace {

Error failed(const std::string& what) {
    return Error{ErrorKind::rejected, what + ": " + library_error()};
}

Result<> take_authorities(SSL_CTX* context, TlsFiles::Side side,
                          const ports::TlsSettings& settings) {
    if (settings.ca_file.empty() && settings.ca_path.empty()) {
        // Where this system keeps them; SSL_CERT_FILE and SSL_CERT_DIR win, as for other programs.
        if (side == TlsFiles::Side::client && SSL_CTX_set_default_verify_paths(context) != 1) {
            return failed("the system's CA certificates cannot be read");
        }
        return ok();
    }
    std::vector<std::shared_ptr<x509_st>> authorities;
    if (!settings.ca_file.empty()) {
        ROP_TRY(authorities, read_certificates("the CA file", settings.ca_file));
    } else {
        ROP_TRY(authorities, read_folder(settings.ca_path));
    }
    for (const auto& authority : authorities) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1) {
            return failed("a CA certificate cannot be used");
        }
        if (side == TlsFiles::Side::server &&
            SSL_CTX_add_client_CA(context, authority.get()) != 1) {
            return failed("a CA certificate cannot be used for clients");
        }
    }
    return ok();
}

Result<> take_identity(SSL_CTX* context, const ports::TlsSettings& settings) {
    if (settings.cert_file.empty() && settings.key_file.empty()) {
        return ok();
    }
    if (settings.key_file.empty()) {
        return Error{ErrorKind::rejected, "the certificate " + settings.cert_file +
                                              " needs its private key, and none is given"};
    }
    if (settings.cert_file.empty()) {
        return Error{ErrorKind::rejected, "the private key " + settings.key_file +
                                              " needs its certificate, and none is given"};
    }
    ROP_TRY(const auto chain, read_certificates("the certificate file", settings.cert_file));
    ROP_TRY(const auto key, read_key(settings.key_file));
    if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
        ERR_clear_error();
        return Error{ErrorKind::rejected,
                     "the key in " + settings.key_file + " does not belong to the certificate in " +
                         settings.cert_file + ", which must come first in its file"};
    }
    if (SSL_CTX_use_certificate(context, chain.front().get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        return failed("the certificate in " + settings.cert_file + " cannot be used");
    }
    for (auto next = chain.begin() + 1; next != chain.end(); ++next) {
        if (SSL_CTX_add1_chain_cert(context, next->get()) != 1) {
            return failed("an intermediate certificate in " + settings.cert_file +
                          " cannot be used");
        }
    }
    return ok();
}

Result<std::shared_ptr<SSL_CTX>> read_files(TlsFiles::Side side,
                                            const ports::TlsSettings& settings) {
    ERR_clear_error();
    const std::shared_ptr<SSL_CTX> context(
        SSL_CTX_new(side == TlsFiles::Side::client ? TLS_client_method() : TLS_server_method()),
        &SSL_CTX_free);
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
        return failed("TLS cannot be used");
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    const bool has_authorities = !settings.ca_file.empty() || !settings.ca_path.empty();
    if (side == TlsFiles::Side::client) {
        SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                           nullptr);
    } else if (has_authorities) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    ROP_TRY(take_authorities(context.get(), side, settings));
    ROP_TRY(take_identity(context.get(), settings));
    return context;
}

}  // namespace

/// What tells one content of a file from the next without reading it.
struct TlsFiles::Stamp {
    std::int64_t changed_ns = 0;
    std::int64_t size = 0;
    std::uint64_t inode = 0;

    static Stamp of(const std::string& path) {
        struct stat seen {};
        if (stat(path.c_str(), &seen) != 0) {
            return Stamp{};
        }
        return Stamp{std::int64_t{seen.st_mtim.tv_sec} * 1'000'000'000 + seen.st_mtim.tv_nsec,
                     seen.st_size, seen.st_ino};
    }
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

TlsFiles::TlsFiles(Side side, ports::TlsSettings settings)
    : side_(side), settings_(std::move(settings)) {}
TlsFiles::~TlsFiles() = default;

std::vector<TlsFiles::Stamp> TlsFiles::stamps() const {
    std::vector<Stamp> found;
    for (const auto* path : {&settings_.ca_file, &settings_.cert_file, &settings_.key_file}) {
        if (!path->empty()) {
            found.push_back(Stamp::of(*path));
        }
    }
    if (settings_.ca_file.empty() && !settings_.ca_path.empty()) {
        found.push_back(Stamp::of(settings_.ca_path));
        std::error_code failure;
        for (auto at = std::filesystem::directory_iterator(settings_.ca_path, failure);
             !failure && at != std::filesystem::directory_iterator(); at.increment(failure)) {
            found.push_back(Stamp::of(at->path().string()));
        }
    }
    return found;
}

Result<std::shared_ptr<ssl_ctx_st>> TlsFiles::context() {
    std::vector<Stamp> now = stamps();  // Before reading: what changes meanwhile is read again.
    if (context_ != nullptr && now == stamps_) {
        return context_;
    }
    auto read = read_files(side_, settings_);
    if (read.has_value()) {
        context_ = std::move(read).value();
    } else if (context_ == nullptr) {
        return std::move(read).error();
    } else {
        log::warn("certificates not taken over", {{"error", read.error().what}});
    }
    stamps_ = std::move(now);
    return context_;
}

bool is_plain_http(int ssl_error) {
    return ERR_GET_REASON(static_cast<unsigned long>(ssl_error)) == SSL_R_HTTP_REQUEST;
}

}  // namespace rop::net
