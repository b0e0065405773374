"""A kernel whose language is not Python's: it shows the cell's JSON under our MIME type, as a string."""

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class EchoKernel(Kernel):
    implementation = language = "echo"
    implementation_version = language_version = "1"
    banner = "echo"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    async def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **_):
        data = {"application/vnd.orrery.v1+json": code, "text/plain": "echo"}
        self.send_response(self.iopub_socket, "display_data", {"data": data, "metadata": {}})
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}


IPKernelApp.launch_instance(kernel_class=EchoKernel)
