// Transport: texts between the processes of one sweep, which were started together and are numbered from 0. Used by one
// thread at a time.
#pragma once
#include <memory>
#include <string>
#include <utility>

namespace paceline {

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual void send(int to, const std::string& text) = 0;
  // The next text, and who sent it. Waits for it, without keeping a processor busy.
  virtual std::pair<int, std::string> receive() = 0;
};

// Among processes that mpirun or srun has started; null where this is the only one. Throws RunError where the part of
// the program that speaks MPI is not there (it is a library of its own, so that no other run loads MPI).
std::unique_ptr<Transport> mpi_transport();

}  // namespace paceline
