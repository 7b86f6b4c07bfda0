# What one Leat queue needs on AWS: a queue, its dead-letter queue, a table for
# records, a bucket for what is large, a topic for ready events, and a role with the
# rights that producers and workers use, and no more.
#
# This file is parsed by a test, and was never applied: read the plan before you do.
#
#   terraform init && terraform plan -var name=whatif

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "name" {
  description = "Name of the queue; the other names begin with it."
  type        = string
  default     = "whatif"
}

variable "trusted" {
  description = "Who may assume the role: ecs-tasks, ec2 or lambda."
  type        = string
  default     = "ecs-tasks"
}

variable "retention_days" {
  description = "How long a message waits at most; a job that waits longer has expired."
  type        = number
  default     = 14
}

# The queue. Leases and delays are set message by message; the visibility timeout
# here counts for nobody but other clients.
resource "aws_sqs_queue" "jobs" {
  name                       = var.name
  message_retention_seconds  = var.retention_days * 24 * 3600
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 30
  sqs_managed_sse_enabled    = true

  # The last net. Leat counts attempts and crashes itself, and a message that waits
  # for its time is delivered now and then: keep this number high.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 1000
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.jobs.arn]
  })
}

# Records: one item per job, written under a condition, read consistently. On-demand
# billing fits bursts; the TTL removes what nobody may see any more.
resource "aws_dynamodb_table" "records" {
  name         = "${var.name}-records"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "key"

  attribute {
    name = "key"
    type = "S"
  }

  ttl {
    attribute_name = "expire"
    enabled        = true
  }
}

# Large args and results. Their keys begin with the day after which nobody needs
# them, and queue.Sweeper clears them by it; the rule is for what it misses.
resource "aws_s3_bucket" "results" {
  bucket_prefix = "${var.name}-results-"
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket = aws_s3_bucket.results.id
  rule {
    id     = "what-no-sweeper-took"
    status = "Enabled"
    filter {}
    expiration {
      days = 60
    }
  }
}

resource "aws_s3_bucket_policy" "tls" {
  bucket = aws_s3_bucket.results.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TLSOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.results.arn, "${aws_s3_bucket.results.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_sns_topic" "ready" {
  name = "${var.name}-ready"
}

# One role for producers and workers. A producer alone needs SendMessage,
# GetQueueAttributes and the table; a reader of results the table and GetObject.
resource "aws_iam_role" "leat" {
  name = "${var.name}-leat"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "${var.trusted}.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "leat" {
  role = aws_iam_role.leat.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Queue"
        Effect = "Allow"
        Action = [
          "sqs:SendMessage",
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueUrl",
          "sqs:GetQueueAttributes",
        ]
        Resource = [aws_sqs_queue.jobs.arn, aws_sqs_queue.dead.arn]
      },
      {
        Sid      = "Records"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DescribeTable"]
        Resource = aws_dynamodb_table.records.arn
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = "${aws_s3_bucket.results.arn}/*"
      },
      {
        Sid      = "Bucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = aws_s3_bucket.results.arn
      },
      {
        Sid      = "Events"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = aws_sns_topic.ready.arn
      },
    ]
  })
}

output "queue" {
  value = "awssqs://${trimprefix(aws_sqs_queue.jobs.url, "https://")}?queue=${var.name}&records=${urlencode("dynamodb://${aws_dynamodb_table.records.name}?partition_key=key")}"
}

output "results" {
  value = "s3://${aws_s3_bucket.results.bucket}"
}

output "ready" {
  value = "awssns:///${aws_sns_topic.ready.arn}"
}
