#include "test/simulation/network.hpp"

#include <algorithm>
#include <utility>

namespace rop::simulation {

namespace {

bool is_one_of(const Network::Place& place, const Network::Some& some) {
    return (!some.kind || *some.kind == place.kind) &&
           (some.host.empty() || some.host == place.host) &&
           (some.server == 0 || some.server == place.server);
}

}  // namespace

Network::CutId Network::cut(Cut cut) {
    cuts_.push_back(Named{++last_, std::move(cut)});
    return last_;
}

void Network::heal(CutId id) {
    std::erase_if(cuts_, [id](const Named& named) { return named.id == id; });
    deliver_kept();
}

void Network::heal_all() {
    cuts_.clear();
    deliver_kept();
}

bool Network::hears(const Place& from, const Place& to) const {
    const bool same_host = !from.host.empty() && from.host == to.host;
    return std::ranges::none_of(cuts_, [&](const Named& named) {
        return !(named.cut.between_hosts && same_host) && is_one_of(from, named.cut.from) &&
               is_one_of(to, named.cut.to);
    });
}

void Network::deliver(const Place& from, const Place& to, std::function<void()> news) {
    if (hears(from, to)) {
        news();
    } else {
        kept_.push_back(Kept{from, to, std::move(news)});
    }
}

void Network::deliver_kept() {
    std::list<Kept> kept = std::exchange(kept_, {});
    for (Kept& one : kept) {
        deliver(one.from, one.to, std::move(one.news));
    }
}

}  // namespace rop::simulation
