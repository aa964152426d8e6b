// What is known by name: profiles of networks (models/profiles/*.json) and devices (models/devices/*.json), compiled in
// from these files, so that a run needs no folder beside the program.
#pragma once
#include <span>

#include "sim/cluster/cost.hpp"

namespace paceline {

class Catalogue : public Kinds {
 public:
  struct Entry {
    const char* name;
    const char* text;  // the JSON file
  };
  Catalogue(std::string name, std::span<const Entry> entries);
  Description describe(std::size_t entry) const override;
  const Entry* find_entry(std::string_view name) const;
  // The file of that name. Throws ConfigError at the key, with the nearest name, when there is none.
  Node document(Reader& in, std::string_view key, const std::string& name) const;

 private:
  std::span<const Entry> entries_;
};

namespace catalogues {
const Catalogue& profiles();
const Catalogue& devices();
}  // namespace catalogues

// "v100" where a scenario gives a device becomes {"name": "v100"}, so that more of its keys can be set.
void expand_devices(Node& scenario);

// A device as a scenario gives it: by name, or by its figures.
DeviceSpec read_device(Reader& in, std::string& shown);

// A network as a table of layers, in forward order, for one sample or token: what a layer computes and moves; or what
// it took where it was measured, for one sample or a whole step.
struct LayerProfile {
  std::string name;
  double parameters = 0, forward_flops = 0, activation_bytes = 0;
  double forward = 0, backward = 0, gradient_bytes = 0;  // where measured; seconds
};
struct Profile {
  std::string name, unit;
  bool measured = false;
  double update = 0;  // where measured: seconds of a step
  std::vector<LayerProfile> layers;
};
Profile read_profile(Node document);

}  // namespace paceline
