#include "operator/loop/watch_report.hpp"

#include "operator/telemetry/metrics.hpp"

namespace rop::loop {

void WatchReport::add(telemetry::Metrics& metrics, const observe::WatchShell& watch, Moment now) {
    Reported& known = reported_[watch.name()];
    known.is_current = true;
    if (watch.failures() < known.failures) {
        known.failures = 0;  // Another watch of the same name, which counts from its own start.
    }
    for (; known.failures < watch.failures(); ++known.failures) {
        metrics.watch_failed(watch.name());
    }
    if (watch.view().seen) {
        metrics.watch_age(watch.name(), now - watch.view().at);
    }
}

void WatchReport::forget_others(telemetry::Metrics& metrics) {
    for (auto it = reported_.begin(); it != reported_.end();) {
        if (it->second.is_current) {
            it->second.is_current = false;
            ++it;
        } else {
            metrics.forget_watch(it->first);
            it = reported_.erase(it);
        }
    }
}

void WatchReport::forget_all(telemetry::Metrics& metrics) {
    for (const auto& [name, known] : reported_) {
        metrics.forget_watch(name);
    }
    reported_.clear();
}

}  // namespace rop::loop
