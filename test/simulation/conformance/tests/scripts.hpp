#pragma once

#include <string>
#include <vector>

namespace rop::simulation {

/// One conversation with a few servers. A line is a server's number and the words of a command;
/// {id2}, {port2}, {bus2} stand for facts about server 2. In front of it
///     `~`  ask again and again: real servers take their own time;
///     `!`  instead of a command: the server is killed.
/// All servers start empty, with a node timeout of 500 ms, in the order of their node ids.
struct Script {
    const char* name;
    std::size_t servers;
    std::vector<const char*> lines;
};

[[nodiscard]] const std::vector<Script>& scripts();

}  // namespace rop::simulation
