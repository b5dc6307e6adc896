"""Long faults of the network, five times each. Prints what it measured.

    soak_network_test.py --bin build/bin
"""

import network_test
import programs

REPETITIONS = 5


class SoakNetworkTest(network_test.NetworkCase):
    SAMPLES = 1500
    TO_ITS_END = 1200

    def repeat(self, name, *faults):
        with self.disturbed(name) as (run, coordinator, workers, proxy):
            for repetition in range(1, REPETITIONS + 1):
                for fault, seconds in faults:
                    getattr(self, fault)(proxy, coordinator, seconds)
                    self.assert_all_work_again(
                        run, workers,
                        f"{fault} of {seconds} s, number {repetition}")

    def test_cuts_of_any_length(self):
        self.repeat("cuts", *(("cut", seconds)
                              for seconds in (1, 2, 5, 20, 60)))

    def test_stopped_coordinator(self):
        self.repeat("stops", ("stop_coordinator", 60))

    def test_black_holes_and_half_open_connections(self):
        self.repeat("holes", ("black_hole", 20), ("half_open", 20),
                    ("black_hole", 60))


if __name__ == "__main__":
    programs.main()
