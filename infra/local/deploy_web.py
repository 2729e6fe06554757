#!/usr/bin/env python3
"""Puts the pages in web/ where CloudFront serves them from, and publishes the keys of access tokens: `make deploy` after
`sam deploy`, and `make stage`.

    .venv/sam/bin/python infra/local/deploy_web.py [--stack-name stampede] [--region eu-central-1]

Credentials and region are found as by the AWS CLI.
"""

import argparse
import sys
import time
from pathlib import Path

import boto3

WEB = Path(__file__).resolve().parents[2] / "web"

# By name, not from the system's table: that differs from one machine to the next.
CONTENT_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

# A browser asks again after a minute. The CDN keeps a page for a day, because each deploy tells it to forget.
CACHE_CONTROL = "public, max-age=60, s-maxage=86400"


def pages(folder):
    """Object keys and their files. web/client is the source of a page's script, web/demo sample data; neither is a page."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {key: path for key, path in files.items() if not key.startswith(("client/", "demo/", ".")) and "/." not in key}


def upload_web(s3, bucket, folder=WEB):
    """Makes the bucket hold the pages of the folder and nothing else but what functions write; returns how many there are."""
    found = pages(folder)
    if unknown := [key for key, path in found.items() if path.suffix not in CONTENT_TYPES]:
        sys.exit(f"No content type is known for {', '.join(unknown)}: add one to infra/local/deploy_web.py.")
    for key, path in found.items():
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType=CONTENT_TYPES[path.suffix],
            CacheControl=CACHE_CONTROL,
        )
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        kept = {item["Key"] for item in page.get("Contents", [])}
        for stale in {key for key in kept - found.keys() if not key.startswith(".well-known/")}:
            s3.delete_object(Bucket=bucket, Key=stale)
    return len(found)


def stack_outputs(cloudformation, stack_name):
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def publish_keys(functions, name):
    """Has the shop publish the keys of its access tokens, without which nobody signs in; otherwise it does so within an hour."""
    answer = functions.invoke(FunctionName=name, Payload=b"{}")
    if "FunctionError" in answer:
        sys.exit(f"{name} failed: {answer['Payload'].read().decode()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack-name", default="stampede")
    parser.add_argument("--region")
    arguments = parser.parse_args()

    session = boto3.Session(region_name=arguments.region)
    outputs = stack_outputs(session.client("cloudformation"), arguments.stack_name)
    count = upload_web(session.client("s3"), outputs["WebBucketName"])
    publish_keys(session.client("lambda"), outputs["RotateKeysName"])
    session.client("cloudfront").create_invalidation(
        DistributionId=outputs["DistributionId"],
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": str(time.time_ns())},
    )
    print(f"{count} files uploaded; {outputs['ShopUrl']} shows them within a minute.")


if __name__ == "__main__":
    main()
