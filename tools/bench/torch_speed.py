#!/usr/bin/env python3
"""Images per CPU second, forward + backward + update on one thread: PyTorch (Debian: python3-torch) beside numerics_bench.

  tools/bench/torch_speed.py [build/numerics_bench]

PyTorch computes with whatever BLAS is installed: with libopenblas0-pthread at full speed, with the reference library
(libblas3 alone) some ten times slower.
"""
import json
import subprocess
import sys
import time

REPEATS, SECONDS = 5, 1.0


def ours(bench):
    words = [bench, "--benchmark_filter=step/(mlp|cnn).*/(32|1024)$", "--benchmark_format=json",
             f"--benchmark_repetitions={REPEATS}", f"--benchmark_min_time={SECONDS / 2}"]
    made = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    best = {}
    for run in json.loads(made)["benchmarks"]:
        if run["run_type"] == "iteration":
            _, model, batch = run["run_name"].split("/")
            key = (model[:3], int(batch))
            best[key] = max(best.get(key, 0), run["images/s"])
    return best


def theirs(torch):
    nn = torch.nn
    nets = {
        "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
        "cnn": lambda: nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(),
                                     nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)),
    }
    best = {}
    for name, make in nets.items():
        for batch in (32, 1024):
            net, loss = make(), nn.CrossEntropyLoss()
            sgd = torch.optim.SGD(net.parameters(), lr=0.01)
            x, labels = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
            for repeat in range(REPEATS + 1):  # the first warms up
                start, images = time.process_time(), 0
                while time.process_time() - start < SECONDS / 2:
                    sgd.zero_grad()
                    loss(net(x), labels).backward()
                    sgd.step()
                    images += batch
                if repeat:
                    key = (name, batch)
                    best[key] = max(best.get(key, 0), images / (time.process_time() - start))
    return best


def main():
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed: apt-get install python3-torch libopenblas0-pthread")
    torch.set_num_threads(1)
    own, other = ours(sys.argv[1] if len(sys.argv) > 1 else "build/numerics_bench"), theirs(torch)
    print(f"images per CPU second, best of {REPEATS}; PyTorch {torch.__version__}")
    print(f"{'model':<8}{'batch':>6}{'paceline':>12}{'PyTorch':>12}{'ratio':>8}")
    for (model, batch), speed in sorted(own.items()):
        print(f"{model:<8}{batch:>6}{speed:>12.0f}{other[model, batch]:>12.0f}{speed / other[model, batch]:>8.2f}")


if __name__ == "__main__":
    main()
