"""The tests. They start many processes, and gRPC's fork handlers crash children between fork and exec: off they are.

The variable is read when `grpc` is imported first, which the Temporal SDK does by itself.
"""

import os

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
