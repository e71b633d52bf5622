#pragma once

#include <string>
#include <vector>

#include "test/unit/net/scripted_server.hpp"

namespace rop::testing {

/// One exchange with a real server, from test/fixtures.
struct Recorded {
    std::string method;
    std::string path;
    std::string note;
    unsigned status = 0;
    std::string headers;  // "X-Nomad-Index: 9\r\n...": those that say something about the answer.
    std::string body;

    [[nodiscard]] Reaction reaction() const { return answer(status, body, headers); }
};

/// All exchanges of a scene, in the order in which they happened: "nomad-1.6.5/05-scale.json".
/// Entries that are no exchange (remarks) are left out. Throws when there is no such file.
[[nodiscard]] std::vector<Recorded> recorded_scene(const std::string& file);

/// The first with that method and path, and that note unless it is empty. Throws when there is
/// none.
[[nodiscard]] Recorded recorded(const std::vector<Recorded>& scene, const std::string& request,
                                const std::string& note = "");

}  // namespace rop::testing
