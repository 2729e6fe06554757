#!/usr/bin/env python3
"""`make invite-owner EMAIL=…`: has a deployed shop invite an owner by mail, the first one, too.

    .venv/sam/bin/python infra/local/invite_owner.py EMAIL [--stack-name stampede] [--region eu-central-1]

Credentials and region are found as by the AWS CLI. Whoever has the right to invoke the function may make an owner.
"""

import argparse
import json
import sys

import boto3
from deploy_web import stack_outputs


def invite(lambda_client, function, email):
    """Invokes the command and returns the invitation."""
    answer = lambda_client.invoke(FunctionName=function, Payload=json.dumps({"email": email}).encode())
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        sys.exit(f"The invitation was not made: {payload.get('errorMessage', payload)}")
    return payload


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("email", metavar="EMAIL", help="address of the new owner")
    parser.add_argument("--stack-name", default="stampede")
    parser.add_argument("--region")
    arguments = parser.parse_args()

    session = boto3.Session(region_name=arguments.region)
    outputs = stack_outputs(session.client("cloudformation"), arguments.stack_name)
    invitation = invite(session.client("lambda"), outputs["InviteOwnerName"], arguments.email)
    print(f"{invitation['email']} gets a mail whose link works until {invitation['expires_at']} ({invitation['id']}).")


if __name__ == "__main__":
    main()
