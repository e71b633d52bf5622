#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "operator/ports/tls.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX.

namespace rop::net {

/// The certificates of one side, read from the files that the settings name. Shared by all
/// connections of one purpose; TLS 1.2 or newer.
class TlsFiles {
  public:
    /// A server asks its clients for certificates when it has authorities to judge them by.
    enum class Side { client, server };

    TlsFiles(Side side, ports::TlsSettings settings);
    ~TlsFiles();
    TlsFiles(const TlsFiles&) = delete;
    TlsFiles& operator=(const TlsFiles&) = delete;

    [[nodiscard]] const ports::TlsSettings& settings() const { return settings_; }

    /// For the next connection. Files that have changed are read anew; while that fails, because
    /// they are being replaced, what was read before stays in use (and a warning is logged).
    /// Rejected: nothing could be read yet; says which file, what is wrong with it, what to do.
    [[nodiscard]] Result<std::shared_ptr<ssl_ctx_st>> context();

  private:
    struct Stamp;
    [[nodiscard]] std::vector<Stamp> stamps() const;

    Side side_;
    ports::TlsSettings settings_;
    std::vector<Stamp> stamps_;
    std::shared_ptr<ssl_ctx_st> context_;
};

/// Whether a handshake failed because the client speaks plain HTTP: the number of an error of
/// boost::asio::ssl.
[[nodiscard]] bool is_plain_http(int ssl_error);

/// What a server that speaks TLS sends to somebody who does not: the beginning of an alert.
[[nodiscard]] bool looks_like_tls(std::string_view first_bytes);

}  // namespace rop::net
