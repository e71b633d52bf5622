#pragma once

#include <string>

#include "operator/ports/tls.hpp"

struct x509_store_ctx_st;  // OpenSSL's X509_STORE_CTX.

namespace rop::net {

/// Why a certificate is not believed: which one, what was expected of it, what to do. `name` is
/// what the peer should have proved to be.
[[nodiscard]] std::string why_not_believed(x509_store_ctx_st* judged, const std::string& name,
                                           const ports::TlsSettings& settings);

/// What OpenSSL's queue of errors says about a connection that TLS gave up, in words: alerts of
/// the peer mostly. Empties the queue.
[[nodiscard]] std::string why_given_up(const ports::TlsSettings& settings);

/// The last reason in OpenSSL's queue of errors, as OpenSSL says it. Empties the queue.
[[nodiscard]] std::string library_error();

}  // namespace rop::net
