def pytest_addoption(parser):
    parser.addoption("--cases", type=int, default=25, help="random cases of each parity test (run 2000 of them alone: "
                     "`pytest tests/robustness/test_parity.py --cases 2000`)")  # fmt: skip
