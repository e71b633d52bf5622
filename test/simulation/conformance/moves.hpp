#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/simulation/conformance/lab.hpp"

// Random scripts, drawn move by move from a seed. What a move does is settled when its turn comes,
// by the state of the model, so that a script without some of its moves is a script, too.
namespace rop::simulation {

struct Move {
    enum class Kind {
        give_epochs,  // To all, each its own.
        split_slots,  // Over the first few, before anybody is met.
        meet_all,     // In a star or a chain.
        follow_all,   // Whoever owns no slots.
        question,     // One that changes nothing, or is refused.
        set_epoch,
        add_slots,
        remove_slots,
        bump,
        meet,
        follow,
        forget,
        failover,
        write_keys,
        configure,
        clients,
        kill,
        start,
    };
    Kind kind{};
    std::uint64_t chance = 0;  // The seed of what the move draws when its turn comes.
};

struct Tale {
    Terms terms;
    std::vector<Move> moves;
};

[[nodiscard]] Tale tale_of(std::uint64_t seed);

/// One line of a script as it is played: "2 CLUSTER FORGET {id3}", "2/a CLIENT GETNAME" over the
/// kept connection a, "2 !kill", "2 !start on new ports".
struct Line {
    std::size_t server = 0;
    std::string connection;
    std::string words;
    enum class Kind { command, kill, start } kind = Kind::command;
    Restart how = Restart::with_data;

    [[nodiscard]] std::string to_string() const;
};

/// What is remembered while a tale is played.
struct Course {
    bool epochs = true;         // False: a race decided who has which.
    bool election_was = false;  // A second one would have to wait for as long as real time goes.
    bool death_was = false;     // Suspicions are counted for two node timeouts, in real time.
    bool forgotten = false;     // From then on a minute of virtual time must not pass.
    Key next_key = 1;
};

/// The lines of a move; none when the state of the model leaves its outcome to chance, or makes
/// it pointless. Whatever they change has an outcome that does not depend on timing.
[[nodiscard]] std::vector<Line> lines_of(const Move& move, const ModelLab& model, Course& course);

}  // namespace rop::simulation
