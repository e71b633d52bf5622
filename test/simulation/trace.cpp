#include "test/simulation/trace.hpp"

#include <cstdio>

namespace rop::simulation {

/// From the start of the world, in seconds: the clock starts at one hour.
std::string Trace::moment() const {
    const auto micros = clock_.now().time_since_epoch() - std::chrono::hours{1};
    char text[32];
    std::snprintf(text, sizeof text, "%11.6f  ", static_cast<double>(micros.count()) / 1'000'000.0);
    return text;
}

void Trace::overhear(const std::string& line) {
    if (print_) {
        std::printf("%s  %s\n", moment().c_str(), line.c_str());
    }
}

void Trace::add(const std::string& line) {
    std::string full = moment() + line;
    for (const char letter : full) {  // FNV-1a
        hash_ = (hash_ ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
    }
    if (print_) {
        std::printf("%s\n", full.c_str());
    }
    story_.push_back(std::move(full));
    if (story_.size() > story_max) {
        story_.pop_front();
    }
}

}  // namespace rop::simulation
