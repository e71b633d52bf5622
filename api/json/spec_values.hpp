#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/json/object_reader.hpp"

namespace rop::json {

// What single values of a spec may be.

[[nodiscard]] bool is_cluster_name(std::string_view text);
[[nodiscard]] bool is_service_name(std::string_view text);
[[nodiscard]] bool is_job_word(std::string_view text);
[[nodiscard]] bool is_namespace(std::string_view text);
[[nodiscard]] bool is_variable_name(std::string_view text);
[[nodiscard]] bool is_spread(std::string_view text);
[[nodiscard]] bool is_path(std::string_view text);
[[nodiscard]] bool is_printable(std::string_view text);  // 1 to 4096 bytes, no control character.

/// "redis-operator/cache#password": what Nomad takes for the path of a variable, and an item.
[[nodiscard]] bool is_nomad_variable(std::string_view text);
/// "redis-operator/secrets/cache/password": 1 to 512 printable bytes, no empty, . or .. segment.
[[nodiscard]] bool is_consul_key(std::string_view text);

/// Five fields of numbers, "*", ranges, lists and steps: "0 3 * * 1-5", "*/15 * * * *".
[[nodiscard]] bool is_cron(std::string_view text);

/// s3://bucket[/prefix] or file:///path, without credentials.
[[nodiscard]] bool is_backup_target(std::string_view text);

/// As redis.conf reads them: "1mb" is 1024 * 1024, "1m" a million; b, k, kb, m, mb, g, gb.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string write_size(std::uint64_t bytes);

inline constexpr TextRule cluster_name_rule{
    "a name of 1 to 63 characters of a-z, 0-9 and -, the first not -", &is_cluster_name};
inline constexpr TextRule service_rule{
    "the name of a Consul service: 1 to 128 characters of A-Z, a-z, 0-9, -, _ and .",
    &is_service_name};
inline constexpr TextRule job_rule{
    "a Nomad name: 1 to 128 characters without spaces and control characters", &is_job_word};
inline constexpr TextRule namespace_rule{
    "a Nomad namespace: 1 to 128 characters of A-Z, a-z, 0-9, - and _", &is_namespace};
inline constexpr TextRule variable_rule{
    "the name of an environment variable: A-Z, a-z, 0-9 and _, the first no digit",
    &is_variable_name};
inline constexpr TextRule spread_rule{"host, datacenter or meta.<key>", &is_spread};
inline constexpr TextRule path_rule{"the path of a file", &is_path};
inline constexpr TextRule nomad_variable_rule{
    "the path of a Nomad variable and, after a #, one of its items: redis-operator/NAME#password",
    &is_nomad_variable};
inline constexpr TextRule consul_key_rule{"a Consul key: redis-operator/secrets/NAME/password",
                                          &is_consul_key};
inline constexpr TextRule cron_rule{
    "five cron fields of numbers, *, ranges, lists and steps, as \"0 3 * * *\"", &is_cron};
inline constexpr TextRule backup_target_rule{
    "s3://bucket/prefix or file:///path, without credentials", &is_backup_target};

}  // namespace rop::json
