#include "test/simulation/conformance/moves.hpp"

#include <algorithm>
#include <utility>

#include "test/simulation/dice.hpp"

namespace rop::simulation {
namespace {

using Kind = Move::Kind;

const std::vector<std::pair<Kind, unsigned>>& weights() {
    static const std::vector<std::pair<Kind, unsigned>> all{
        {Kind::question, 20}, {Kind::set_epoch, 5},  {Kind::add_slots, 10}, {Kind::remove_slots, 8},
        {Kind::bump, 6},      {Kind::meet, 12},      {Kind::follow, 14},    {Kind::forget, 8},
        {Kind::failover, 10}, {Kind::write_keys, 8}, {Kind::configure, 6},  {Kind::clients, 8},
        {Kind::kill, 8},      {Kind::start, 10},
    };
    return all;
}

Kind any_kind(Dice& dice) {
    std::uint64_t sum = 0;
    for (const auto& [kind, weight] : weights()) {
        sum += weight;
    }
    std::uint64_t drawn = dice.between(0, sum - 1);
    for (const auto& [kind, weight] : weights()) {
        if (drawn < weight) {
            return kind;
        }
        drawn -= weight;
    }
    return Kind::question;
}

const char* name_of(Restart how) {
    switch (how) {
        case Restart::with_data:
            return "with its data";
        case Restart::without_data:
            return "without its keys";
        case Restart::on_new_ports:
            return "on new ports";
        case Restart::as_a_blank_one:
            break;
    }
    return "as a blank one";
}

}  // namespace

std::string Line::to_string() const {
    const std::string who =
        std::to_string(server) + (connection.empty() ? "" : "/" + connection) + " ";
    switch (kind) {
        case Kind::command:
            return who + words;
        case Kind::kill:
            return who + "!kill";
        case Kind::start:
            break;
    }
    return who + "!start " + name_of(how);
}

Tale tale_of(std::uint64_t seed) {
    Dice dice{seed * 7'919U + 17U};
    Tale tale;
    const std::vector<std::size_t> sizes{1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5};
    tale.terms.servers = dice.pick(sizes);
    tale.terms.replica_migration = dice.chance(0.4);
    const auto add = [&](Kind kind) { tale.moves.push_back({kind, dice.next()}); };
    if (dice.chance(tale.terms.servers > 1 ? 0.75 : 0.4)) {  // Something like a cluster.
        if (dice.chance(0.85)) {
            add(Kind::give_epochs);
        }
        add(Kind::split_slots);
        if (tale.terms.servers > 1) {
            add(Kind::meet_all);
            if (dice.chance(0.8)) {
                add(Kind::follow_all);
            }
        }
    }
    const std::size_t more = dice.between(2, tale.terms.servers == 1 ? 10 : 6);
    for (std::size_t i = 0; i < more; ++i) {
        add(any_kind(dice));
    }
    return tale;
}

}  // namespace rop::simulation
