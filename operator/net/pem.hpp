#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/base/result.hpp"

// OpenSSL's EVP_PKEY and X509.
struct evp_pkey_st;
struct x509_st;

namespace rop::net {

/// All certificates of a PEM file, at least one. `what` says what the file is for: "the CA file".
[[nodiscard]] Result<std::vector<std::shared_ptr<x509_st>>> read_certificates(
    const std::string& what, const std::string& path);

/// Those of all files in a folder and the folders below, at least one each.
[[nodiscard]] Result<std::vector<std::shared_ptr<x509_st>>> read_folder(const std::string& path);

/// The private key in a PEM file. Nothing of its content is ever part of an error.
[[nodiscard]] Result<std::shared_ptr<evp_pkey_st>> read_key(const std::string& path);

}  // namespace rop::net
