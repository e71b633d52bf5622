#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ids.hpp"
#include "operator/ports/consul.hpp"

namespace rop::loop {

/// What the lock key holds, for people, for followers and for the next leader.
struct LockValue {
    std::string instance;  // Who wrote it; new with every start of the process.
    std::string address;   // Where its HTTP listens.
    std::string version;
    Epoch epoch;
    std::string host;
    /// Written in the transaction that unlocks cleanly: its writer had stopped acting before, and
    /// the next leader need not wait for the end of its lease.
    bool released = false;

    friend bool operator==(const LockValue&, const LockValue&) = default;
};

[[nodiscard]] std::string write_lock_value(const LockValue& value);

/// Nullopt for anything that we cannot have written: anyone with write access may put anything
/// there, and it must not keep us from leading.
[[nodiscard]] std::optional<LockValue> parse_lock_value(std::string_view text);

/// No installation gets there by counting; what is greater was not written by us.
inline const Epoch greatest_epoch{std::uint64_t{1} << 62U};

/// The epoch key's value: a decimal number. Nullopt for anything else.
[[nodiscard]] std::optional<Epoch> parse_epoch(std::string_view text);

/// The greatest epoch that the records and statuses among these keys name: what was done under it
/// may still have effects. Zero: none does. Only that one number is read of them, so that one of
/// another version says it too; what cannot be read, or counted on from, says nothing.
[[nodiscard]] Epoch greatest_written(const std::vector<ports::KvEntry>& keys);

/// Sixteen hex digits: how random ids are written.
[[nodiscard]] std::string hex16(std::uint64_t number);

}  // namespace rop::loop
