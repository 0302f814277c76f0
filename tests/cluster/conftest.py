import pytest

# so that their asserts say what was there
pytest.register_assert_rewrite("cluster.checks", "tests.cluster.checks")
