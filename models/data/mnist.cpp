// MNIST: 60,000 + 10,000 handwritten digits, 28×28 grey, ten classes (LeCun, Bottou, Bengio, Haffner 1998,
// yann.lecun.com/exdb/mnist). Its relatives (KMNIST, …) read as well.
#include "models/data/idx_images.hpp"

namespace paceline::datasets {

DatasetMaker mnist(Reader& in) {
  in.about("MNIST (LeCun et al. 1998), or any set of its form: grey images in up to ten classes, in four IDX files.");
  const std::string folder = in.data_path("path", "folder of the four IDX files, plain or .gz; must be given");
  if (folder.empty() && !in.describing()) in.fail("path", "missing: the folder of MNIST's four IDX files");
  return idx_images(in, "MNIST", folder, "give workload.dataset.path a folder with all four");
}

}  // namespace paceline::datasets
