// paceline_mpi.so: a Transport over MPI (Boost.MPI), which the program loads when mpirun or srun has started it.
#include "sim/experiment/sweep/transport.hpp"

#include <boost/mpi.hpp>
#include <chrono>
#include <thread>

namespace paceline {
namespace {

namespace mpi = boost::mpi;

class MpiTransport final : public Transport {
 public:
  int rank() const override { return world_.rank(); }
  int size() const override { return world_.size(); }
  void send(int to, const std::string& text) override { world_.send(to, 0, text); }
  std::pair<int, std::string> receive() override {
    for (;;) {
      if (const auto status = world_.iprobe(mpi::any_source, 0)) {
        std::string text;
        world_.recv(status->source(), 0, text);
        return {status->source(), text};
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));  // a blocking receive would spin
    }
  }

 private:
  mpi::environment environment_{mpi::threading::serialized};
  mpi::communicator world_;
};

}  // namespace
}  // namespace paceline

extern "C" paceline::Transport* paceline_mpi_transport() { return new paceline::MpiTransport(); }
