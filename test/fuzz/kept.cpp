// What we keep in Consul KV, as somebody else may have left it: record, status, events, the lock's
// value, the epoch. What is read can be written and read again.

#include <string>

#include "api/json/record_json.hpp"
#include "api/json/status_json.hpp"
#include "operator/loop/documents.hpp"
#include "operator/loop/lock_value.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;

template <class Parse, class Write>
void read_twice(std::string_view text, Parse parse, Write write) {
    const auto value = parse(text);
    if (value.has_error()) {
        require(value.error().kind == rop::ErrorKind::malformed, "a bad value is malformed");
        require(value.error().what.size() < 2'000, "an error is a line");
        return;
    }
    const auto again = parse(write(value.value()));
    require(again.has_value() && again.value() == value.value(),
            "what was read can be written and read again");
}

void read_lock_value(std::string_view text) {
    const auto value = rop::loop::parse_lock_value(text);
    if (value) {
        require(value->epoch <= rop::loop::greatest_epoch, "the epoch can be counted on");
        require(rop::loop::parse_lock_value(rop::loop::write_lock_value(*value)) == value,
                "what was read can be written and read again");
    }
    const auto epoch = rop::loop::parse_epoch(text);
    if (epoch) {
        require(rop::loop::parse_epoch(std::to_string(epoch->value())) == epoch, "epochs, too");
    }
}

/// The way in which they reach the operator: a key and a value, whichever they are.
void read_keys(const rop::fuzz::Input& input) {
    constexpr std::size_t keys_max = 4;  // More of them take longer, and mean nothing new.
    std::vector<rop::ports::KvEntry> entries;
    for (const auto part : input.parts('\x1e')) {
        if (entries.size() == keys_max) {
            break;
        }
        rop::ports::KvEntry& entry = entries.emplace_back();
        const auto end = part.find('=');
        entry.key = "p/clusters/" + std::string(part.substr(0, end));
        entry.value = end == std::string_view::npos ? "" : part.substr(end + 1);
        entry.create_index = entries.size();
        entry.modify_index = entries.size();
    }
    const auto catalogue = rop::loop::read_documents(entries, "p/");
    require(rop::loop::greatest_written(entries) < rop::loop::greatest_epoch,
            "an epoch that is learnt can be counted on from");
    for (const auto& [name, documents] : catalogue.clusters) {
        require(rop::loop::is_cluster_name(name.value()), "a cluster's name is allowed");
        if (documents.offer) {
            require(documents.offer->spec.has_value() == documents.offer->problems.empty(),
                    "a spec or problems");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 512 * 1024, .per_byte = 8 * 1024});
    rop::fuzz::Input input(bytes, size);
    switch (input.take_byte() % 9) {  // Whole sets of keys only now and then: they take long.
        case 0:
        case 1:
            read_twice(input.text(), &rop::json::parse_record, &rop::json::write_record);
            break;
        case 2:
        case 3:
            read_twice(input.text(), &rop::json::parse_status, &rop::json::write_status);
            break;
        case 4:
        case 5:
            read_twice(input.text(), &rop::json::parse_events, &rop::json::write_events);
            break;
        case 6:
        case 7:
            read_lock_value(input.text());
            break;
        default:
            read_keys(input);
    }
    return 0;
}
