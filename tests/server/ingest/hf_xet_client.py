"""hf_xet as huggingface_hub uses it, in a process of its own: TOKEN_URL TOKEN FILE… it uploads, and prints sha256s."""

import sys

import hf_xet


def main(url: str, token: str, *files: str) -> None:
    """Upload files in one session."""
    headers = {"Authorization": f"Bearer {token}"}
    with hf_xet.XetSession().new_upload_commit(token_refresh_url=url, token_refresh_headers=headers) as commit:
        handles = [commit.start_upload_file(file, sha256=hf_xet.COMPUTE_SHA256) for file in files]
    print(*[handle.result().xet_info.sha256 for handle in handles])


if __name__ == "__main__":
    main(*sys.argv[1:])
