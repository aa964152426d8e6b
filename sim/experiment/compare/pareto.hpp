// The Pareto front: those that no other one beats, being as good in all three respects and better in one. Points that
// are equal do not beat each other. O(n log n): in ascending order of the first cost a point can only be beaten by one
// before it, and of those a staircase over the other two is enough (Kung, Luccio, Preparata 1975).
#pragma once
#include <array>
#include <vector>

namespace paceline::compare {

std::vector<bool> pareto_front(const std::vector<std::array<double, 3>>& costs);  // less is better

}  // namespace paceline::compare
