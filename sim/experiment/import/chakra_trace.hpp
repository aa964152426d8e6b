// An execution trace of Chakra (MLCommons), of one rank, as its schemas write it: protobuf messages, each behind its
// length; one of metadata, then the nodes, in any order. Three schemas are read, told apart by what is in the file:
//     since 2023-12   et_def.proto of mlcommons/chakra, proto3: attributes in field 10, two lists of dependencies
//     2023            proto2: attributes in field 11 with a type in field 2, `parent`
//     before          proto2: no metadata, no attributes, a field for each thing; run times in nanoseconds
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paceline {

struct ChakraNode {
  enum class Type {
    invalid,
    metadata,
    memory_load,
    memory_store,
    compute,
    send,
    receive,
    collective,
    storage,
    batch,
    checkpoint
  };
  enum class Collective {
    all_reduce,
    reduce,
    all_gather,
    gather,
    scatter,
    broadcast,
    all_to_all,
    reduce_scatter,
    barrier
  };
  std::uint64_t id = 0;
  std::string name;
  Type type = Type::invalid;
  std::vector<std::uint64_t> after;          // data and control dependencies
  double micros = 0;                         // measured, or given
  std::map<std::string, double> numbers;     // attributes
  std::map<std::string, std::string> texts;  // attributes
  std::vector<bool> involved;                // `involved_dim`
  std::string inputs;                        // their values

  std::optional<double> number(const std::string& attribute) const {
    const auto found = numbers.find(attribute);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  }
};

struct ChakraTrace {
  std::string schema;  // as the file names it; or by what is in it
  std::vector<ChakraNode> nodes;
  // The collective that a node's `comm_type` means, by the file's schema.
  std::map<std::int64_t, ChakraNode::Collective> collectives;
};

// Throws ConfigError: the file, the node, what is wrong.
ChakraTrace read_chakra(const std::string& path);

}  // namespace paceline
