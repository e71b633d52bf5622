#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "operator/ports/tls.hpp"

struct evp_pkey_st;
struct x509_st;

namespace rop::testing {

/// What a certificate says.
struct Certificate {
    std::string common_name = "server";
    std::vector<std::string> names;          // subjectAltName: DNS names,
    std::vector<std::string> addresses;      // and IP addresses.
    std::chrono::seconds valid_from{-3600};  // From now.
    std::chrono::seconds valid_until{3600};
};

/// Where a certificate and its key are, in PEM.
struct PemPair {
    std::string cert;
    std::string key;
};

/// A certificate authority for one test, with keys of its own (P-256). test/support/lab/
/// certificates.py is the same for tests in Python.
class TestAuthority {
  public:
    /// Writes <folder>/<name>-ca.pem.
    TestAuthority(std::string folder, std::string name);
    ~TestAuthority();
    TestAuthority(const TestAuthority&) = delete;
    TestAuthority& operator=(const TestAuthority&) = delete;

    [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

    /// Writes <folder>/<stem>.pem and <folder>/<stem>.key, over what is there.
    [[nodiscard]] PemPair issue(const std::string& stem, const Certificate& wanted) const;
    /// For "localhost", 127.0.0.1 and ::1, valid now.
    [[nodiscard]] PemPair issue(const std::string& stem) const;

    /// Trusts this authority; proves itself with `own`.
    [[nodiscard]] ports::TlsSettings settings(const PemPair& own) const;
    [[nodiscard]] ports::TlsSettings settings() const;

  private:
    std::string folder_;
    std::string ca_file_;
    evp_pkey_st* key_;
    x509_st* certificate_;
};

}  // namespace rop::testing
