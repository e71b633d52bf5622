// Consul's answers: KV, health, transactions, sessions, the agent's services and node, rights.

#include <string>

#include "operator/consul/base64.hpp"
#include "operator/consul/parse.hpp"
#include "test/fuzz/target.hpp"

namespace {

namespace consul = rop::consul;
namespace ports = rop::ports;
using rop::fuzz::require;

template <class Value>
bool is_sound(const rop::Result<Value>& result) {
    if (result.has_value()) {
        return true;
    }
    require(result.error().kind == rop::ErrorKind::malformed, "a bad answer is malformed");
    return false;
}

void read_keys(std::string_view text) {
    const auto entries = consul::parse_kv(text);
    if (!is_sound(entries)) {
        return;
    }
    for (const auto& entry : entries.value()) {
        require(consul::base64_decode(consul::base64_encode(entry.value)) == entry.value,
                "what was decoded can be encoded and decoded again");
    }
}

void read_health(std::string_view text) {
    const auto entries = consul::parse_health(text);
    if (!is_sound(entries)) {
        return;
    }
    for (const auto& entry : entries.value()) {
        require(
            entry.status == "passing" || entry.status == "warning" || entry.status == "critical",
            "a status is one of three");
    }
}

void read_transaction(std::string_view text) {
    const std::vector<ports::TxnOp> operations{ports::KvCheckSession{"a", "s"},
                                               ports::KvSet{"a", "v"}, ports::KvDelete{"b"}};
    const auto applied = consul::parse_txn_applied(text, operations);
    if (is_sound(applied)) {
        require(applied.value().applied && applied.value().errors.empty(), "applied");
        require(applied.value().entries.size() <= 1, "only what was written is told");
    }
    const auto refused = consul::parse_txn_refused(text, operations);
    if (is_sound(refused)) {
        require(!refused.value().applied && !refused.value().errors.empty(), "refused, and why");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 2 * 1024});
    rop::fuzz::Input input(bytes, size);
    switch (input.take_byte() % 7) {
        case 0:
            read_keys(input.text());
            break;
        case 1:
            read_health(input.text());
            break;
        case 2:
            read_transaction(input.text());
            break;
        case 3:
            is_sound(consul::parse_session_id(input.text()));
            break;
        case 4:
            is_sound(consul::parse_agent_services(input.text()));
            break;
        case 5:
            is_sound(consul::parse_agent_node(input.text()));
            break;
        default:
            is_sound(consul::parse_missing_right(input.text()));
    }
    return 0;
}
